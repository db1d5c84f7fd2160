/**
 * Whether a client is closed, and the news of it. In a Worker an `AbortSignal` belongs to the request that made it, and a
 * client serves many.
 */
export class Closing {
  readonly #listeners = new Set<() => void>();
  #closed = false;

  get closed(): boolean {
    return this.#closed;
  }

  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener();
  }

  /** @returns how to stop listening */
  onClose(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
