import { decoder } from './exchange.js';
import { Failure } from './failure.js';

/** A value inside a context: JSON, with dates as ISO 8601 text and integers also as `bigint`. */
export type ContextValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Date
  | readonly ContextValue[]
  | { readonly [name: string]: ContextValue };

/** OpenFeature's evaluation context: named attributes, one of which is the targeting key. */
export interface EvaluationContext {
  /** Identifies the subject: usually a user id. Percentage splits hash it. */
  readonly targetingKey?: string | number;
  readonly [name: string]: ContextValue;
}

/** What cannot be encoded of a context. */
export interface Unreadable {
  /** The attribute, with the names that it is inside of. */
  readonly at: string;
  readonly why: 'number' | 'bigint' | 'kind' | 'depth' | 'object' | 'size';
  /** What it is, where no condition can read it: `[object Map]`. */
  readonly kind: string | undefined;
}

// Tags of core/spec/snapshot.md, "context encoding". Integers and floats are little-endian.
export const NULL = 0;
export const FALSE = 1;
export const TRUE = 2;
export const NUMBER = 3;
export const STRING = 4;
const LIST = 5;
const OBJECT = 6;

/** For an encoding; contexts may have a quarter of it. */
const MAX_ROOM = 256 * 1024;
const MAX_DEPTH = 8;
/** Of an encoding that has just begun. */
const FIRST_BYTES = 512;

export const encoder = new TextEncoder();
const { hasOwnProperty, toString } = Object.prototype;

// What is being written. Of the module, and not handed around: contexts are encoded by the thousand.
let buffer = new Uint8Array(FIRST_BYTES);
let view = new DataView(buffer.buffer);
let busy = false;

/**
 * Writes a context as the one buffer that crosses into the evaluator. Attributes that are `undefined` are left out; the
 * evaluator checks names, counts and depth. The bytes are valid until the next call.
 *
 * @throws Failure of what has no encoding (a function, a number that is not finite, a context too large), and of what throws when it is
 * read; `problems.ts` has the words.
 */
export function encodeContext(context: EvaluationContext): Uint8Array {
  // A getter in one context may encode another one.
  const [outer, nested] = [buffer, busy];
  if (nested) use(new Uint8Array(FIRST_BYTES));
  busy = true;
  try {
    if (toString.call(context) !== OF_OBJECTS) throw refused('', '', 'object');
    const end = attributes(context, '', 1, 0);
    return buffer.subarray(0, end);
  } catch (thrown) {
    throw new Failure('context', thrown);
  } finally {
    busy = nested;
    if (nested) use(outer);
  }
}

function use(bytes: Uint8Array<ArrayBuffer>): void {
  buffer = bytes;
  view = new DataView(bytes.buffer);
}

/** Not a list, and none of the built-in objects whose contents are not their properties (`Map`, `URL`, ...). */
export const OF_OBJECTS = '[object Object]';

// Each of these writes from `at` on and answers where it ended.

function attributes(object: { readonly [name: string]: ContextValue }, path: string, depth: number, at: number): number {
  let end = at;
  // Faster than by a list of the keys.
  for (const name in object) {
    const value = hasOwnProperty.call(object, name) ? object[name] : undefined;
    if (value === undefined) continue;
    const start = end;
    end = text(name, start, 2);
    const bytes = end - start - 2;
    if (bytes > 0xffff) throw refused('', '', 'size');
    view.setUint16(start, bytes, true);
    end = write(value, path, name, depth, end);
  }
  return end;
}

// A chain of comparisons: an engine makes less of a `switch` over types.
function write(value: ContextValue, path: string, name: string, depth: number, at: number): number {
  if (typeof value === 'string') {
    const end = text(value, at, 5);
    buffer[at] = STRING;
    view.setUint32(at + 1, end - at - 5, true);
    return end;
  }
  reserve(at, 9);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refused(path, name, 'number');
    buffer[at] = NUMBER;
    view.setFloat64(at + 1, value, true);
    return at + 9;
  }
  // What is undefined is in a list, where JSON has null as well.
  if (typeof value === 'boolean' || value == null) {
    buffer[at] = value ? TRUE : value === false ? FALSE : NULL;
    return at + 1;
  }
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw refused(path, name, 'bigint');
    return write(number, path, name, depth, at);
  }
  // One that is invalid throws.
  if (value instanceof Date) return write(value.toISOString(), path, name, depth, at);
  const list = Array.isArray(value);
  const kind = toString.call(value);
  if (!list && kind !== OF_OBJECTS) throw refused(path, name, 'kind', kind);
  // The evaluator refuses it too; here it also ends a context that contains itself.
  if (depth >= MAX_DEPTH) throw refused(path, name, 'depth');
  buffer[at] = list ? LIST : OBJECT;
  const start = at + 5;
  const inside = `${path}${name}.`;
  let end = start;
  if (list) for (let index = 0; index < value.length; index += 1) end = write((value as readonly ContextValue[])[index], inside, `${index}`, depth + 1, end);
  else end = attributes(value as { readonly [name: string]: ContextValue }, inside, depth + 1, end);
  view.setUint32(at + 1, end - start, true);
  return end;
}

/** Leaves `before` bytes for what stands in front of the text. */
function text(value: string, at: number, before: number): number {
  // UTF-8 takes at most three bytes for a UTF-16 unit.
  reserve(at, before + value.length * 3);
  const bytes = buffer;
  const { length } = value;
  const start = at + before;
  let count = 0;
  // Attributes are mostly short ASCII, where a loop beats the encoder's call.
  if (length <= 64) {
    for (let unit; count < length && (unit = value.charCodeAt(count)) < 128; count += 1) bytes[start + count] = unit;
  }
  return start + (count < length ? encoder.encodeInto(value, bytes.subarray(start)).written : count);
}

function reserve(at: number, count: number): void {
  const needed = at + count;
  if (needed <= buffer.length) return;
  // Room for the three bytes a unit that `text` reserves; what is written is checked by the evaluator's own limit.
  if (needed > MAX_ROOM) throw refused('', '', 'size');
  const grown = new Uint8Array(Math.max(needed, buffer.length * 2));
  grown.set(buffer.subarray(0, at));
  use(grown);
}

function refused(path: string, name: string, why: Unreadable['why'], kind?: string): Unreadable {
  return { at: path + name, why, kind };
}

/** Reads attributes that have no parts, as a flag's metadata is written; nothing for no bytes. */
export function decodeScalars(bytes: Uint8Array): { readonly [name: string]: string | number | boolean } | undefined {
  if (bytes.length === 0) return undefined;
  const fields = new DataView(bytes.buffer, bytes.byteOffset);
  let at = 0;
  const take = (count: number): number => (at += count) - count;
  const taken = (count: number): string => decoder.decode(bytes.subarray(take(count), at));
  const scalars: [string, string | number | boolean][] = [];
  while (at < bytes.length) {
    const name = taken(fields.getUint16(take(2), true));
    const type = bytes[take(1)];
    scalars.push([name, type === NUMBER ? fields.getFloat64(take(8), true) : type === STRING ? taken(fields.getUint32(take(4), true)) : type === TRUE]);
  }
  return Object.freeze(Object.fromEntries(scalars));
}
