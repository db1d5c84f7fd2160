// The one way to the server: typed by its OpenAPI document, so that what a page asks for exists.
import createClient from 'openapi-fetch';

import type { paths } from '../generated/schema.ts';
import { Problem } from './problem.ts';

export const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '' });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer. Throws a {@link Problem} when there is none. */
export async function data<T>(request: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw Problem.unreachable();
  }
  if (!answer.response.ok) throw Problem.from(answer.response, answer.error);
  return answer.data as T;
}

/** What every write says: which version it was made from, and why. */
export function writing(version: number | undefined, comment = ''): { headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  if (version !== undefined) headers['If-Match'] = `"${version}"`;
  if (comment.trim() !== '') headers['X-Pennon-Comment'] = encodeURIComponent(comment.trim());
  return { headers };
}
