import type { FlagKey } from './flag-types.js';
import type { ErrorCode, FlagType, JsonValue, Metadata, Outcome, Reason } from './outcome.js';
import { failed, typeOf } from './outcome.js';

/** One flag's evaluation in full. */
export interface Details<Value> {
  readonly key: string;
  /** The flag's value, or the caller's default where there is none: with an `errorCode`, or switched off without an off variant. */
  readonly value: Value;
  readonly variant: string | undefined;
  /** `STALE` for a value from a snapshot that should have been renewed by now. */
  readonly reason: Reason;
  readonly errorCode: ErrorCode | undefined;
  /** The stable id of the rule that matched. */
  readonly rule: string | undefined;
  /** When time alone may change this outcome, in Unix milliseconds. */
  readonly until: number | undefined;
  /** What the flag's authors attached to it. */
  readonly metadata: Metadata | undefined;
  /** Whether the snapshot is past the time by which the server renews it. */
  readonly stale: boolean;
}

/** Reads flags for one context by the outcomes of whatever evaluates them: a client, a slim client, a view for one request. */
export abstract class FlagReader {
  /** The outcome as the evaluator gives it, whatever the flag's type. */
  abstract outcome(key: string): Outcome;

  /** Whether what outcomes come from is past the time by which the server renews it. */
  protected abstract isStale(): boolean;

  boolean(key: FlagKey<boolean>, otherwise: boolean): boolean {
    return valueOf(this.outcome(key), 'boolean', otherwise);
  }

  string(key: FlagKey<string>, otherwise: string): string {
    return valueOf(this.outcome(key), 'string', otherwise);
  }

  number(key: FlagKey<number>, otherwise: number): number {
    return valueOf(this.outcome(key), 'number', otherwise);
  }

  /** The value is frozen: it is the same object for every caller. */
  json<Value = JsonValue>(key: FlagKey, otherwise: Value): Value {
    return valueOf(this.outcome(key), 'json', otherwise);
  }

  /** One evaluation in full. The default's type is the type that the flag must have. */
  details<Value extends JsonValue>(key: FlagKey<Widened<Value>>, otherwise: Value): Details<Widened<Value>> {
    return detailsOf(key, this.outcome(key), otherwise, this.isStale());
  }
}

/** An outcome's value for a caller who expects this type. */
export function valueOf<Value>(outcome: Outcome, type: FlagType, otherwise: Value): Value {
  return outcome.type === type && outcome.value !== undefined ? (outcome.value as Value) : otherwise;
}

/** `true` as a default means a boolean, not the type `true`. */
export type Widened<Value> = Value extends boolean ? boolean : Value extends string ? string : Value extends number ? number : Value;

/** An outcome as a caller sees it who expects the type of `otherwise`. */
export function detailsOf<Value extends JsonValue>(key: string, given: Outcome, otherwise: Value, stale: boolean): Details<Widened<Value>> {
  const type = typeOf(otherwise);
  // Where nothing is served, whoever evaluated may not have said of which type that would have been.
  const mismatch = given.errorCode === undefined && given.type !== undefined && given.type !== type;
  const outcome = mismatch ? failed('TYPE_MISMATCH', given.type) : given;
  const { type: _, ...details } = outcome;
  const overdue = stale && outcome.errorCode === undefined && outcome.reason !== 'DISABLED';
  return {
    ...details,
    key,
    value: (outcome.value === undefined ? otherwise : outcome.value) as Widened<Value>,
    reason: overdue ? 'STALE' : outcome.reason,
    stale,
  };
}
