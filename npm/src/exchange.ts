/** What every module exports whose bytes cross through a buffer (wasm-exchange/src). */
export interface ExchangeExports {
  readonly memory: WebAssembly.Memory;
  exchange_create(): number;
  exchange_resize(exchange: number, length: number): number;
  exchange_address(exchange: number): number;
  exchange_length(exchange: number): number;
}

/** A running module: numbers cross as they are, bytes through one buffer in its memory. */
export interface ExchangeModule<Exports> {
  readonly wasm: Exports;
  /** The buffer, as the module's functions take it. */
  crossing: number;
  /** A fault may have left the buffer lent out for ever: others who use this module need another one. */
  renew(): void;
  /** Puts bytes into the buffer, one part behind the other. */
  put(first: Uint8Array, second?: Uint8Array, third?: Uint8Array): void;
  /** What is in the buffer, until the next call of anything. */
  read(): Uint8Array;
  /** A copy of it. */
  taken(): Uint8Array;
  text(): string;
}

const NOTHING = new Uint8Array();
export const decoder = new TextDecoder();

/**
 * Starts modules of this package, each once for all clients, and anew for who has met a fault of it; one that did not load is loaded again
 * the next time.
 */
export function starter<Exports extends ExchangeExports>(): (load: () => Promise<WebAssembly.Module>, anew?: boolean) => Promise<ExchangeModule<Exports>> {
  let loading: Promise<WebAssembly.Module> | undefined;
  let starting: Promise<ExchangeModule<Exports>> | undefined;
  return (load, anew) => {
    loading ??= load();
    if (anew || !starting) starting = loading.then(async (module) => running<Exports>(await WebAssembly.instantiate(module, IMPORTS)));
    starting.catch(() => (loading = starting = undefined));
    return starting;
  };
}

/** A module imports what it calls when it is used wrongly, and nothing else. */
const IMPORTS = anything(
  anything(() => {
    throw new Error('called wrongly');
  }),
) as WebAssembly.Imports;

/** An object that has `value` under every name. */
function anything(value: unknown): object {
  return new Proxy({}, { get: () => value });
}

function running<Exports extends ExchangeExports>({ exports }: WebAssembly.Instance): ExchangeModule<Exports> {
  const wasm = exports as unknown as Exports;
  let view = NOTHING;
  // The old view is empty once the memory has grown.
  const memory = (): Uint8Array => (view.length > 0 ? view : (view = new Uint8Array(wasm.memory.buffer)));
  const module: ExchangeModule<Exports> = {
    wasm,
    crossing: wasm.exchange_create(),
    renew() {
      module.crossing = wasm.exchange_create();
    },
    put(first, second = NOTHING, third = NOTHING) {
      const length = first.length + second.length;
      const at = wasm.exchange_resize(module.crossing, length + third.length);
      const bytes = memory();
      bytes.set(first, at);
      if (second !== NOTHING) {
        bytes.set(second, at + first.length);
        bytes.set(third, at + length);
      }
    },
    read() {
      const address = wasm.exchange_address(module.crossing);
      return memory().subarray(address, address + wasm.exchange_length(module.crossing));
    },
    taken: () => module.read().slice(),
    text: () => decoder.decode(module.read()),
  };
  return module;
}
