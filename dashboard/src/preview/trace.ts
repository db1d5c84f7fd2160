// An evaluation's steps in words.
import type { Step } from '../evaluator/draft.ts';
import { operatorOf, OPERATORS } from '../flag/leaf.ts';

export interface Line {
  text: string;
  /** Whether it held; undefined for what neither holds nor fails. */
  holds: boolean | undefined;
  lines: Line[];
}

/** Buckets there are. */
const BUCKETS = 2 ** 32;

const said = (value: unknown): string => (value === undefined ? 'missing' : typeof value === 'string' ? `“${value}”` : JSON.stringify(value));
const percentOf = (bucket: unknown): string => `${((Number(bucket) / BUCKETS) * 100).toFixed(2)} %`;

/** The steps as lines; `names` has the rules' names by their ids. */
export function traceLines(steps: readonly Step[], names: Record<string, string>): Line[] {
  return steps.map((step) => ({ ...line(step, names), lines: traceLines(step.steps ?? [], names) }));
}

function line(step: Step, names: Record<string, string>): Omit<Line, 'lines'> {
  const holds = typeof step['holds'] === 'boolean' ? step['holds'] : typeof step['matched'] === 'boolean' ? step['matched'] : typeof step['met'] === 'boolean' ? step['met'] : undefined;
  switch (step.step) {
    case 'disabled':
      return { text: 'The flag is off: everybody gets the off variant', holds: undefined };
    case 'prerequisite':
      return { text: `Asks for the flag ${step['flag']}, which serves ${step['served'] ?? 'nothing'}`, holds };
    case 'target':
      return { text: `Listed by name${step['variant'] === undefined ? '' : ` for ${step['variant']}`}`, holds };
    case 'holdout':
      return { text: 'Held out', holds };
    case 'rule':
      return { text: `Rule ${names[String(step['rule'])] ?? step['rule']}`, holds };
    case 'window':
      return { text: 'Its time has come', holds };
    case 'layer':
      return { text: 'In the layer’s slot', holds };
    case 'membership':
      return { text: `In the segment ${step['segment']}${step['by'] === undefined ? '' : `, by ${String(step['by'])}`}`, holds };
    case 'split':
      return { text: `Bucket at ${percentOf(step['bucket'])}: ${step['variant'] ?? 'nobody'} has ${percentOf(step['from'])} to ${percentOf(step['to'])}`, holds: undefined };
    case 'no-unit':
      return { text: 'The attribute that the split goes by is missing', holds: false };
    case 'fallthrough':
      return { text: 'Otherwise', holds: undefined };
    case 'all':
      return { text: 'All of these hold', holds };
    case 'any':
      return { text: 'Any of these holds', holds };
    case 'not':
      return { text: 'Not', holds };
    default: {
      const known = OPERATORS.some(({ id }) => id === step.step) ? operatorOf(step.step).words : step.step.replaceAll('_', ' ');
      const attribute = step['attribute'];
      return attribute === undefined ? { text: known, holds } : { text: `${String(attribute)} ${known}: it is ${said(step['actual'])}`, holds };
    }
  }
}

const REASONS: Record<string, string> = {
  STATIC: 'everybody gets it', TARGETING_MATCH: 'a rule or a list by name matches', SPLIT: 'by percentage', DISABLED: 'the flag is off, or a prerequisite is not met', DEFAULT: 'no rule matches', ERROR: 'an error',
};

/** A reason in words, with OpenFeature's name for it. */
export const reasonWords = (reason: string): string => REASONS[reason] ?? reason;
