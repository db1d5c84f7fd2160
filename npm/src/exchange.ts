/** What every module exports whose bytes cross through a buffer (wasm-exchange/src). */
export interface ExchangeExports {
  readonly memory: WebAssembly.Memory;
  exchange_create(): number;
  exchange_resize(exchange: number, length: number): number;
  exchange_address(exchange: number): number;
  exchange_length(exchange: number): number;
}

const NOTHING: Uint8Array = new Uint8Array();
const decoder = new TextDecoder();

/** Starts modules of this package, each once for all clients; one that did not start is loaded again the next time. */
export function starter<Made>(Made: new (instance: WebAssembly.Instance) => Made): (load: () => Promise<WebAssembly.Module>) => Promise<Made> {
  let starting: Promise<Made> | undefined;
  return (load) => {
    starting ??= load()
      .then(async (module) => new Made(await WebAssembly.instantiate(module, importsOf(module))))
      .catch((thrown: unknown) => {
        starting = undefined;
        throw thrown;
      });
    return starting;
  };
}

/** The module imports what it calls when it is used wrongly, and nothing else. */
function importsOf(module: WebAssembly.Module): WebAssembly.Imports {
  const imports: Record<string, Record<string, () => never>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = () => {
      throw new Error('The WebAssembly module was called wrongly.');
    };
  }
  return imports;
}

/** A running module: numbers cross as they are, bytes through one buffer in its memory. */
export class ExchangeModule<Exports extends ExchangeExports> {
  readonly wasm: Exports;
  exchange: number;
  #bytes = NOTHING;

  constructor({ exports }: WebAssembly.Instance) {
    this.wasm = exports as unknown as Exports;
    this.exchange = this.wasm.exchange_create();
  }

  /** A fault may have left the buffer lent out for ever: then there has to be another. */
  renew(): void {
    try {
      this.put(NOTHING);
    } catch {
      this.exchange = this.wasm.exchange_create();
    }
  }

  /** Puts bytes into the buffer, one part behind the other. */
  put(first: Uint8Array, second: Uint8Array = NOTHING, third: Uint8Array = NOTHING): void {
    const length = first.length + second.length;
    const address = this.wasm.exchange_resize(this.exchange, length + third.length);
    const memory = this.#memory();
    memory.set(first, address);
    memory.set(second, address + first.length);
    memory.set(third, address + length);
  }

  /** A copy of what is in the buffer. */
  taken(): Uint8Array {
    return this.#read().slice();
  }

  text(): string {
    return decoder.decode(this.#read());
  }

  #read(): Uint8Array {
    const address = this.wasm.exchange_address(this.exchange);
    return this.#memory().subarray(address, address + this.wasm.exchange_length(this.exchange));
  }

  #memory(): Uint8Array {
    // The old view is empty once the memory has grown.
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.wasm.memory.buffer);
    return this.#bytes;
  }
}
