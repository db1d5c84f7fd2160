import type { FlagClient } from './flag-client.js';
import type { ErrorCode } from './outcome.js';
import type { Details } from './reader.js';

/** What OpenFeature's SDKs, for browsers and for servers, expect of one resolution. */
export interface Resolution<Value> {
  value: Value;
  variant?: string;
  reason: string;
  flagMetadata: Record<string, string | number | boolean>;
  errorCode?: never;
  errorMessage?: string;
}

const MESSAGES: { readonly [Code in ErrorCode]: string } = {
  FLAG_NOT_FOUND: 'The snapshot has no such flag, or none that this key may see.',
  TYPE_MISMATCH: 'The flag is of another type than its default.',
  TARGETING_KEY_MISSING: 'The flag is split by targetingKey, and the context has none.',
  INVALID_CONTEXT: 'The context cannot be used for this flag.',
  PARSE_ERROR: 'The flag is damaged, or of a newer version than this package knows.',
  PROVIDER_NOT_READY: 'There is no snapshot yet.',
  PROVIDER_FATAL: 'The server refuses this client.',
  GENERAL: 'The evaluation failed.',
};

/** OpenFeature's names for codes and reasons are ours: both are its glossary's. */
export function resolution<Value>({ value, variant, reason, errorCode, metadata }: Details<Value>): Resolution<Value> {
  return {
    value,
    reason,
    flagMetadata: { ...metadata },
    ...(variant === undefined ? {} : { variant }),
    ...(errorCode === undefined ? {} : { errorCode: errorCode as never, errorMessage: MESSAGES[errorCode] }),
  };
}

/** Flags that one provider watches: as many as a snapshot may hold. */
const MAX_WATCHED = 10_000;

/** What a provider tells its SDK. */
export interface ProviderSignals {
  ready(): void;
  stale(message: string): void;
  changed(flagsChanged: string[]): void;
  error(message: string): void;
}

/**
 * Turns a client's events into a provider's. Flags that were resolved once are watched, so that a change says which of them
 * it concerns.
 */
export class ProviderEventsOf {
  readonly #client: FlagClient;
  readonly #signals: ProviderSignals;
  readonly #watched = new Set<string>();
  #startFailed = false;
  readonly #ends: (() => void)[] = [];
  #changed: string[] = [];
  #stale = false;

  constructor(client: FlagClient, signals: ProviderSignals) {
    this.#client = client;
    this.#signals = signals;
    this.#ends.push(
      client.on('ready', () => {
        // A start in time the SDK announces itself.
        if (this.#startFailed) signals.ready();
      }),
      client.on('change', ({ cause }) => {
        // Of another context the SDK tells itself.
        if (cause === 'context') return void (this.#changed = []);
        // The listeners of single flags are called after this one.
        queueMicrotask(() => this.#signals.changed(this.#changed.splice(0)));
      }),
      client.on('status', ({ stale, version }) => {
        if (stale !== this.#stale) {
          this.#stale = stale;
          if (stale) signals.stale('The snapshot should have been renewed by now; evaluation goes on with it.');
          else signals.ready();
        } else if (version === undefined && client.status.lastError) {
          signals.error(client.status.lastError.message);
        }
      }),
    );
  }

  /** Names this flag in the changes that concern it. */
  watch(key: string): void {
    if (this.#watched.has(key) || this.#watched.size === MAX_WATCHED) return;
    this.#watched.add(key);
    this.#ends.push(this.#client.subscribe(key, () => this.#changed.push(key)));
  }

  /** Waits for the first snapshot. Answers what keeps it from coming; `fatal` when the server refuses the key. */
  async started(): Promise<{ message: string; fatal: boolean } | undefined> {
    const { version, lastError } = await this.#client.ready();
    if (version !== undefined) return undefined;
    this.#startFailed = true;
    const fatal = lastError?.status === 401 || lastError?.status === 403;
    return { message: lastError?.message ?? 'No snapshot arrived in time; the client goes on trying.', fatal };
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }
}
