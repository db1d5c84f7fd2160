import { Listeners } from './events.js';
import type { JsonValue, Outcome } from './outcome.js';

/** Listeners of single flags: each hears of its flag when the flag's outcome has become another, and of nothing else. */
export class Subscriptions {
  readonly #evaluate: (key: string) => Outcome;
  readonly #listeners = new Listeners<{ [key: string]: Outcome }>();
  readonly #known = new Map<string, { outcome: Outcome; listeners: number }>();

  /** @param evaluate must not throw. */
  constructor(evaluate: (key: string) => Outcome) {
    this.#evaluate = evaluate;
  }

  /** @returns a function that ends the subscription. */
  add(key: string, listener: (outcome: Outcome) => void): () => void {
    const known = this.#known.get(key) ?? { outcome: this.#evaluate(key), listeners: 0 };
    this.#known.set(key, known);
    known.listeners += 1;
    // One of its own, so that the same function can listen twice and be taken off once. What it hears is never older than what another heard
    // that changed something itself.
    const remove = this.#listeners.on(key, () => listener(known.outcome));
    return () => {
      if (!remove()) return;
      known.listeners -= 1;
      if (known.listeners === 0) this.#known.delete(key);
    };
  }

  /** Outcomes may be others now. */
  check(): void {
    for (const [key, known] of [...this.#known]) {
      const outcome = this.#evaluate(key);
      if (sameOutcome(outcome, known.outcome)) continue;
      known.outcome = outcome;
      this.#listeners.emit(key, outcome);
    }
  }

  clear(): void {
    this.#known.clear();
    this.#listeners.clear();
  }
}

/** Whether nothing that a caller can act on differs. When an outcome ends is no part of it: that it did end is. */
function sameOutcome(a: Outcome, b: Outcome): boolean {
  return a === b || sameValue(essence(a), essence(b));
}

function essence({ type: _, until: __, ...rest }: Outcome): JsonValue {
  return rest as unknown as JsonValue;
}

/** Equal as JSON. Another snapshot has objects of its own for the same value. */
export function sameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
