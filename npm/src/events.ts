/** Listeners of a client's events. One that throws is reported to the console and disturbs neither the others nor the client. */
export class Listeners<Events extends object> {
  readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

  /** @returns a function that ends the subscription, and answers whether it had not ended yet. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => boolean {
    let listeners = this.#listeners.get(name);
    if (!listeners) {
      listeners = new Set();
      this.#listeners.set(name, listeners);
    }
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
    const listeners = this.#listeners.get(name) as Set<(event: Events[Name]) => void> | undefined;
    if (!listeners) return;
    // A copy: a listener may unsubscribe, or subscribe another, while it runs.
    for (const listener of [...listeners]) {
      try {
        const answer: unknown = listener(event);
        // An async listener's rejection would end a Node process.
        if (answer instanceof Promise) answer.catch(report);
      } catch (thrown) {
        report(thrown);
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}

function report(thrown: unknown): void {
  console.error('A listener of the Pennon client threw', thrown);
}
