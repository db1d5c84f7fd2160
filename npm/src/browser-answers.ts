// For pages that may not run WebAssembly: the server evaluates.
import { Answers } from './answers.js';
import * as followAnswers from './follow-answers.js';
import type { MakeAnswers } from './platform.js';
import type { SessionOptions } from './session.js';

export function answersFor({ given, transport, closing, storage }: SessionOptions): MakeAnswers {
  return (context, on) =>
    new Answers({ given, transport, closing, context, cache: storage === false ? false : undefined, loadFollowAnswers: async () => followAnswers }, on);
}
