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
  /** What it is, where no condition can read it. */
  readonly kind: string;
}

// Tags of core/spec/snapshot.md, "context encoding". Integers and floats are little-endian.
const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const NUMBER = 3;
const STRING = 4;
const LIST = 5;
const OBJECT = 6;

const MAX_BYTES = 64 * 1024;
const MAX_DEPTH = 8;
/** Of an encoding that has just begun. */
const FIRST_BYTES = 512;

const encoder = new TextEncoder();
const hasOwn = Object.prototype.hasOwnProperty;

// What is being written. Of the module, and not handed around: contexts are encoded by the thousand.
let buffer = new Uint8Array(FIRST_BYTES);
let view = new DataView(buffer.buffer);
let length = 0;
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
  const outer = busy ? ([buffer, length] as const) : undefined;
  if (outer) use(new Uint8Array(FIRST_BYTES));
  busy = true;
  length = 0;
  try {
    if (!isObject(context)) throw refused('', '', 'object');
    attributes(context, '', 1);
    return buffer.subarray(0, length);
  } catch (thrown) {
    throw new Failure('context', thrown);
  } finally {
    busy = outer !== undefined;
    if (outer) {
      use(outer[0]);
      length = outer[1];
    }
  }
}

function use(bytes: Uint8Array<ArrayBuffer>): void {
  buffer = bytes;
  view = new DataView(bytes.buffer);
}

/** Not a list, and none of the built-in objects whose contents are not their properties (`Map`, `URL`, ...). */
function isObject(value: unknown): boolean {
  return kindOf(value) === 'Object';
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function attributes(object: { readonly [name: string]: ContextValue }, path: string, depth: number): void {
  // Faster than by a list of the keys.
  for (const name in object) {
    const value = hasOwn.call(object, name) ? object[name] : undefined;
    if (value === undefined) continue;
    if (text(name, 2) > 0xffff) throw refused('', '', 'size');
    write(value, path, name, depth);
  }
}

function write(value: ContextValue, path: string, name: string, depth: number): void {
  switch (typeof value) {
    case 'string':
      tag(STRING);
      text(value, 4);
      return;
    case 'boolean':
      return tag(value ? TRUE : FALSE);
    case 'bigint':
      if (!Number.isSafeInteger(Number(value))) throw refused(path, name, 'bigint');
      return write(Number(value), path, name, depth);
    case 'number':
      if (!Number.isFinite(value)) throw refused(path, name, 'number');
      tag(NUMBER);
      reserve(8);
      view.setFloat64(length, value, true);
      length += 8;
      return;
    case 'undefined': // inside a list, as JSON does it
      return tag(NULL);
  }
  if (value === null) return tag(NULL);
  // One that is invalid throws.
  if (value instanceof Date) return write(value.toISOString(), path, name, depth);
  const list = Array.isArray(value);
  if (!list && !isObject(value)) throw refused(path, name, 'kind', kindOf(value));
  // The evaluator refuses it too; here it also ends a context that contains itself.
  if (depth >= MAX_DEPTH) throw refused(path, name, 'depth');
  tag(list ? LIST : OBJECT);
  reserve(4);
  const start = (length += 4);
  const inside = `${path}${name}.`;
  if (list) for (let at = 0; at < value.length; at += 1) write((value as readonly ContextValue[])[at], inside, String(at), depth + 1);
  else attributes(value as { readonly [name: string]: ContextValue }, inside, depth + 1);
  view.setUint32(start - 4, length - start, true);
}

function tag(value: number): void {
  reserve(1);
  buffer[length] = value;
  length += 1;
}

/** Writes text behind its length, which takes `width` bytes; answers that. */
function text(value: string, width: 2 | 4): number {
  // UTF-8 takes at most three bytes for a UTF-16 unit.
  reserve(width + value.length * 3);
  const bytes = buffer;
  const start = length + width;
  let count = 0;
  // Attributes are mostly short ASCII, where a loop beats the encoder's call.
  if (value.length <= 64) {
    for (let unit; count < value.length && (unit = value.charCodeAt(count)) < 128; count += 1) bytes[start + count] = unit;
  }
  if (count < value.length) count = encoder.encodeInto(value, bytes.subarray(start)).written;
  if (width === 2) view.setUint16(length, count, true);
  else view.setUint32(length, count, true);
  length = start + count;
  return count;
}

function reserve(count: number): void {
  const needed = length + count;
  if (needed <= buffer.length) return;
  // Room for the three bytes a unit that `text` reserves; what is written is checked by the evaluator's own limit.
  if (needed > MAX_BYTES * 4) throw refused('', '', 'size');
  const grown = new Uint8Array(Math.max(needed, buffer.length * 2));
  grown.set(buffer.subarray(0, length));
  use(grown);
}

function refused(path: string, name: string, why: Unreadable['why'], kind = ''): Unreadable {
  return { at: path + name, why, kind };
}

/** Reads attributes that have no parts, as a flag's metadata is written; nothing for no bytes. */
export function decodeScalars(bytes: Uint8Array): { readonly [name: string]: string | number | boolean } | undefined {
  if (bytes.length === 0) return undefined;
  const fields = new DataView(bytes.buffer, bytes.byteOffset);
  const decoder = new TextDecoder();
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
