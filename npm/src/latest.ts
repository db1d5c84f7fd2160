/**
 * Runs one job at a time and remembers only the newest item that arrived meanwhile: heads replace each other, so a queue of
 * them would be work for nothing. An item that is replaced before its turn is handed to `skip`.
 */
export class Latest<Item> {
  readonly #run: (item: Item) => Promise<void>;
  readonly #skip: (item: Item) => void;
  #waiting: { item: Item } | undefined;
  #busy = false;

  /** @param run must not reject. */
  constructor(run: (item: Item) => Promise<void>, skip: (item: Item) => void) {
    this.#run = run;
    this.#skip = skip;
  }

  offer(item: Item): void {
    if (this.#waiting) this.#skip(this.#waiting.item);
    this.#waiting = { item };
    if (!this.#busy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#waiting) {
        const { item } = this.#waiting;
        this.#waiting = undefined;
        await this.#run(item);
      }
    } finally {
      this.#busy = false;
    }
  }
}
