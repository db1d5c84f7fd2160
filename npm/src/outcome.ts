/** Why this value: OpenFeature's words. */
export type Reason =
  | 'STATIC'
  | 'TARGETING_MATCH'
  | 'SPLIT'
  | 'DISABLED'
  | 'DEFAULT'
  | 'CACHED'
  | 'STALE'
  | 'ERROR';

/** Why there is no value: OpenFeature's words. */
export type ErrorCode =
  | 'FLAG_NOT_FOUND'
  | 'TYPE_MISMATCH'
  | 'TARGETING_KEY_MISSING'
  | 'INVALID_CONTEXT'
  | 'PARSE_ERROR'
  | 'PROVIDER_NOT_READY'
  | 'PROVIDER_FATAL'
  | 'GENERAL';

/** The type of a flag's values. */
export type FlagType = 'boolean' | 'string' | 'number' | 'json';

/** What a JSON flag can hold. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

// In the order of pennon-core's enumerations (core/src/outcome.rs); the conformance vectors compare them by name.
export const REASONS: readonly Reason[] = ['STATIC', 'TARGETING_MATCH', 'SPLIT', 'DISABLED', 'DEFAULT', 'ERROR'];
export const ERROR_CODES: readonly (ErrorCode | undefined)[] = [
  undefined,
  'FLAG_NOT_FOUND',
  'TYPE_MISMATCH',
  'TARGETING_KEY_MISSING',
  'INVALID_CONTEXT',
  'PARSE_ERROR',
  'PROVIDER_NOT_READY',
  'PROVIDER_FATAL',
  'GENERAL',
];
export const FLAG_TYPES: readonly FlagType[] = ['boolean', 'string', 'number', 'json'];

/** One evaluation's outcome, whole. Without a value the caller's default applies. */
export interface Outcome {
  readonly type: FlagType | undefined;
  readonly value: JsonValue | undefined;
  readonly variant: string | undefined;
  readonly reason: Reason;
  readonly errorCode: ErrorCode | undefined;
  /** The stable id of the rule that matched. */
  readonly rule: string | undefined;
  /** When time alone may change this outcome, in Unix milliseconds. */
  readonly until: number | undefined;
  /** What the flag's authors attached to it. */
  readonly metadata: Metadata | undefined;
}

export type Metadata = { readonly [name: string]: string | number | boolean };

/** One step of an evaluation and, where it has steps of its own, those (core/spec/evaluation.md section 8). */
export interface Step {
  readonly step: string;
  readonly steps?: readonly Step[];
  readonly [detail: string]: unknown;
}

/** An outcome without a value. */
export function failed(errorCode: ErrorCode, type?: FlagType): Outcome {
  return { type, value: undefined, variant: undefined, reason: 'ERROR', errorCode, rule: undefined, until: undefined, metadata: undefined };
}

/** A packed outcome's highest bit: time alone may change it. */
export const ENDS = 1 << 28;

/** A packed outcome's parts (wasm/src/pack.rs). Positions are -1 where there is none. */
export interface Unpacked {
  readonly reason: Reason;
  readonly errorCode: ErrorCode | undefined;
  readonly variant: number;
  readonly rule: number;
  readonly ends: boolean;
}

export function variantOf(packed: number): number {
  return ((packed >>> 8) & 0xff) - 1;
}

export function unpack(packed: number): Unpacked {
  return {
    reason: REASONS[packed & 0xf] ?? 'ERROR',
    errorCode: ERROR_CODES[(packed >>> 4) & 0xf],
    variant: variantOf(packed),
    rule: ((packed >>> 16) & 0xfff) - 1,
    ends: packed >= ENDS,
  };
}

/** The type that a flag has to have whose default is this. */
export function typeOf(value: JsonValue): FlagType {
  const type = typeof value as FlagType;
  return FLAG_TYPES.includes(type) ? type : 'json';
}

/** Callers share the value, so none may change it. */
export function freeze(value: JsonValue): JsonValue {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) freeze(inner as JsonValue);
    Object.freeze(value);
  }
  return value;
}
