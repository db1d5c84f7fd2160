import { PennonError } from './errors.js';

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

/**
 * Writes a context as the one buffer that crosses into the evaluator. Attributes that are `undefined` are left out; the
 * evaluator checks names, counts and depth. The bytes are valid until the next call.
 *
 * @throws PennonError `context` for what has no encoding (a function, a number that is not finite, a context too large).
 */
export function encodeContext(context: EvaluationContext): Uint8Array {
  if (!isObject(context)) throw new PennonError('context', 'The context cannot be used: it is not an object.');
  // Taken away for the time of the call: a getter in this context may encode another one.
  const writer = spare ?? new Writer();
  spare = undefined;
  try {
    writer.clear();
    writer.attributes(context, '', 1);
    return writer.bytes();
  } finally {
    spare = writer;
  }
}

/** Not a list, and none of the built-in objects whose contents are not their properties (`Map`, `URL`, ...). */
function isObject(value: unknown): boolean {
  return Object.prototype.toString.call(value) === '[object Object]';
}

class Writer {
  #buffer = new Uint8Array(512);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  attributes(object: { readonly [name: string]: ContextValue }, path: string, depth: number): void {
    for (const name of Object.keys(object)) {
      const value = object[name];
      if (value === undefined) continue;
      const start = this.#skip(2);
      this.#text(name);
      const length = this.#length - start - 2;
      if (length > 0xffff) throw tooLarge();
      this.#view.setUint16(start, length, true);
      this.#value(value, path, name, depth);
    }
  }

  #value(value: ContextValue, path: string, name: string, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#tag(STRING);
        this.#sized(() => this.#text(value));
        return;
      case 'boolean':
        this.#tag(value ? TRUE : FALSE);
        return;
      case 'number':
        this.#number(value, path, name);
        return;
      case 'bigint':
        if (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER) {
          throw refuse(path, name, 'is an integer beyond 2^53; pass it as a string');
        }
        this.#number(Number(value), path, name);
        return;
      case 'undefined': // inside a list, as JSON does it
        this.#tag(NULL);
        return;
      case 'object':
        break;
      default:
        throw refuse(path, name, `is a ${typeof value}, which no condition can read`);
    }
    if (value === null) {
      this.#tag(NULL);
      return;
    }
    if (value instanceof Date) {
      if (Number.isNaN(value.getTime())) throw refuse(path, name, 'is an invalid date');
      const text = value.toISOString();
      this.#tag(STRING);
      this.#sized(() => this.#text(text));
      return;
    }
    // The evaluator refuses it too; here it also ends a context that contains itself.
    if (depth >= MAX_DEPTH) throw refuse(path, name, `nests deeper than ${MAX_DEPTH} levels`);
    const inside = path === '' ? name : `${path}.${name}`;
    if (Array.isArray(value)) {
      this.#tag(LIST);
      this.#sized(() => {
        let index = 0;
        for (const element of value as readonly ContextValue[]) {
          this.#value(element, inside, String(index), depth + 1);
          index += 1;
        }
      });
      return;
    }
    if (!isObject(value)) throw refuse(path, name, `is a ${Object.prototype.toString.call(value).slice(8, -1)}, which no condition can read`);
    this.#tag(OBJECT);
    this.#sized(() => this.attributes(value as { readonly [name: string]: ContextValue }, inside, depth + 1));
  }

  #number(value: number, path: string, name: string): void {
    if (!Number.isFinite(value)) throw refuse(path, name, 'is a number that is not finite');
    this.#tag(NUMBER);
    const at = this.#skip(8);
    this.#view.setFloat64(at, value, true);
  }

  /** A 32-bit length before what `write` writes. */
  #sized(write: () => void): void {
    const start = this.#skip(4);
    write();
    this.#view.setUint32(start, this.#length - start - 4, true);
  }

  #tag(tag: number): void {
    const at = this.#skip(1);
    this.#buffer[at] = tag;
  }

  #text(text: string): void {
    const start = this.#length;
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    this.#reserve(text.length * 3);
    const buffer = this.#buffer;
    let at = 0;
    // Attributes are mostly short ASCII, where a loop beats the encoder's call.
    if (text.length <= 64) {
      for (; at < text.length; at += 1) {
        const unit = text.charCodeAt(at);
        if (unit > 127) break;
        buffer[start + at] = unit;
      }
      if (at === text.length) {
        this.#length = start + at;
        return;
      }
    }
    this.#length = start + encoder.encodeInto(text, buffer.subarray(start)).written;
  }

  #skip(count: number): number {
    this.#reserve(count);
    const at = this.#length;
    this.#length += count;
    return at;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#buffer.length) return;
    // Room for the three bytes a unit that `#text` reserves; what is written is checked below by the evaluator's own limit.
    if (needed > MAX_BYTES * 4) throw tooLarge();
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
    this.#view = new DataView(grown.buffer);
  }
}

const encoder = new TextEncoder();
let spare: Writer | undefined = new Writer();

function refuse(path: string, name: string, why: string): PennonError {
  return new PennonError('context', `The context cannot be used: ${path === '' ? name : `${path}.${name}`} ${why}.`);
}

function tooLarge(): PennonError {
  return new PennonError('context', `The context cannot be used: it is larger than ${MAX_BYTES} bytes.`);
}

/** Reads attributes that have no parts, as a flag's metadata is written; nothing for no bytes. */
export function decodeScalars(bytes: Uint8Array): { readonly [name: string]: string | number | boolean } | undefined {
  if (bytes.length === 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = new TextDecoder();
  const scalars: Record<string, string | number | boolean> = Object.create(null) as Record<string, string | number | boolean>;
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 2 + view.getUint16(at, true);
    const name = text.decode(bytes.subarray(at + 2, nameEnd));
    const tag = view.getUint8(nameEnd);
    at = nameEnd + 1;
    if (tag === NUMBER) {
      scalars[name] = view.getFloat64(at, true);
      at += 8;
    } else if (tag === STRING) {
      const end = at + 4 + view.getUint32(at, true);
      scalars[name] = text.decode(bytes.subarray(at + 4, end));
      at = end;
    } else {
      scalars[name] = tag === TRUE;
    }
  }
  return Object.freeze({ ...scalars });
}
