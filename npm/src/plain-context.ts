import { FALSE, NULL, NUMBER, OF_OBJECTS, STRING, TRUE, type EvaluationContext } from './context.js';
import type { EvaluatorModule } from './evaluator.js';
import { Failure } from './failure.js';

/** Bytes for the encoding of a context: typical ones have some hundreds. */
const ROOM = 2048;
/** In front of a name and in front of a value: lengths, tags, a number. */
const MOST_BESIDE_TEXT = 2 + 9;
/** Instead of where an encoding ends; also of values for other names. */
const NOT_PLAIN = -1;

const { toString } = Object.prototype;

/** A place in the evaluator's memory that plain contexts are encoded into: those of numbers, booleans, nulls and ASCII text. */
export interface PlainContexts {
  /** The place, as the module's functions take it. */
  readonly exchange: number;
  /**
   * Puts a context there, byte for byte as `encodeContext` of context.ts encodes it, and in two thirds of the time. Whether it could: not
   * when it is not plain, or large. The evaluator has to take it before anything else is put there.
   *
   * @param names takes the names of its attributes, in their order
   * @throws Failure of what a getter throws
   */
  put(context: EvaluationContext, names: string[]): boolean;
  /** The same with its values alone. Whether it could: neither when it has other names than these, or in another order. */
  putValues(context: EvaluationContext, names: readonly string[]): boolean;
}

/** One for all clients, as the module is. */
const places = new WeakMap<EvaluatorModule, PlainContexts>();

export function plainContexts(module: EvaluatorModule): PlainContexts {
  let place = places.get(module);
  if (!place) places.set(module, (place = openPlainContexts(module)));
  return place;
}

function openPlainContexts(module: EvaluatorModule): PlainContexts {
  const { wasm } = module;
  let { crossing } = module;
  let bytes = new Uint8Array();
  let view = new DataView(bytes.buffer);
  /** A getter of a context that is being encoded may evaluate for another one. */
  let busy = false;

  /** Makes sure that there is a place, and that the views are of it: when the memory grows, old ones are empty. */
  function find(): void {
    // What renews the one buffer renews the other: either may have been lent out when the evaluator failed.
    if (crossing !== module.crossing) {
      ({ crossing } = module);
      place.exchange = wasm.exchange_create();
      bytes = new Uint8Array();
    }
    if (bytes.length > 0) return;
    const address = wasm.exchange_resize(place.exchange, ROOM);
    bytes = new Uint8Array(wasm.memory.buffer, address, ROOM);
    view = new DataView(bytes.buffer, address, ROOM);
  }

  const place = {
    exchange: wasm.exchange_create(),
    put: (context: EvaluationContext, names: string[]) => encoded(context, names, false),
    putValues: (context: EvaluationContext, names: readonly string[]) => encoded(context, names as string[], true),
  };
  return place;

  function encoded(context: EvaluationContext, names: string[], known: boolean): boolean {
    if (busy) return false;
    find();
    busy = true;
    let end;
    try {
      end = toString.call(context) === OF_OBJECTS ? encode(context, bytes, view, names, known) : NOT_PLAIN;
    } catch (thrown) {
      // Who writes a number into an empty view throws, and is not the context's fault.
      if (bytes.length > 0) throw new Failure('context', thrown);
    } finally {
      busy = false;
    }
    if (end === undefined || end === NOT_PLAIN || bytes.length === 0) return false;
    wasm.exchange_resize(place.exchange, end);
    return true;
  }
}

/** Answers where it ended. `known`: writes no names, and goes on as long as they are these; else adds them to these. */
function encode(context: EvaluationContext, bytes: Uint8Array, view: DataView, names: string[], known: boolean): number {
  let at = 0;
  let units = 0;
  let count = 0;
  for (const name in context) {
    // In full: bundled, a constant of the module is a variable, and an engine does not compile what is called by one into its caller.
    const value = Object.prototype.hasOwnProperty.call(context, name) ? context[name] : undefined;
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : '';
    if (at + name.length + text.length + MOST_BESIDE_TEXT > ROOM) return NOT_PLAIN;
    if (known) {
      if (names[count] !== name) return NOT_PLAIN;
    } else {
      names[count] = name;
      bytes[at] = name.length;
      bytes[at + 1] = name.length >> 8;
      units |= write(name, bytes, at + 2);
      at += 2 + name.length;
    }
    count += 1;
    if (typeof value === 'string') {
      bytes[at] = STRING;
      bytes[at + 1] = text.length;
      bytes[at + 2] = text.length >> 8;
      bytes[at + 3] = bytes[at + 4] = 0;
      units |= write(text, bytes, at + 5);
      at += 5 + text.length;
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) return NOT_PLAIN;
      bytes[at] = NUMBER;
      view.setFloat64(at + 1, value, true);
      at += 9;
    } else if (typeof value === 'boolean' || value === null) {
      bytes[at] = value === null ? NULL : value ? TRUE : FALSE;
      at += 1;
    } else return NOT_PLAIN;
  }
  return units < 128 && count === names.length ? at : NOT_PLAIN;
}

/** Answers all units in one, which shows whether all were ASCII: no branch for each. */
function write(text: string, bytes: Uint8Array, at: number): number {
  let units = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    units |= unit;
    bytes[at + index] = unit;
  }
  return units;
}
