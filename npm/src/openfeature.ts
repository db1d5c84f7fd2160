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

/** The parts of an OpenFeature SDK that a provider needs; the SDK for browsers and that for servers have their own. */
export interface Sdk {
  readonly ProviderEvents: { readonly Ready: string; readonly Stale: string; readonly ConfigurationChanged: string; readonly Error: string };
  readonly ProviderFatalError: new (message: string) => Error;
  readonly ProviderNotReadyError: new (message: string) => Error;
}

/** The SDK's own emitter: what it is told, it tells the application. */
export interface Emitter {
  emit(event: string, details?: undefined | { message?: string; flagsChanged?: string[] }): void;
}

/**
 * What both providers are: a client, with its events turned into the SDK's. Flags that were resolved once are watched, so that
 * a change says which of them it concerns.
 */
export abstract class ProviderOver<Over extends FlagClient, Events extends Emitter> {
  readonly metadata = { name: 'pennon' } as const;
  readonly events: Events;
  protected readonly client: Over;
  readonly #sdk: Sdk;
  readonly #watched = new Set<string>();
  #startFailed = false;
  readonly #ends: (() => void)[] = [];
  #changed: string[] = [];
  #stale = false;

  constructor(client: Over, events: Events, sdk: Sdk) {
    this.client = client;
    this.events = events;
    this.#sdk = sdk;
    const { Ready, Stale, ConfigurationChanged, Error } = sdk.ProviderEvents;
    this.#ends.push(
      client.on('ready', () => {
        // A start in time the SDK announces itself.
        if (this.#startFailed) events.emit(Ready);
      }),
      client.on('change', ({ cause }) => {
        // Of another context the SDK tells itself.
        if (cause === 'context') return void (this.#changed = []);
        // The listeners of single flags are called after this one.
        queueMicrotask(() => events.emit(ConfigurationChanged, this.#watched.size > 0 ? { flagsChanged: this.#changed.splice(0) } : undefined));
      }),
      client.on('status', ({ stale, version, lastError }) => {
        if (stale !== this.#stale) {
          this.#stale = stale;
          if (stale) events.emit(Stale, { message: 'The snapshot should have been renewed by now; evaluation goes on with it.' });
          else events.emit(Ready);
        } else if (version === undefined && lastError) {
          events.emit(Error, { message: lastError.message });
        }
      }),
    );
  }

  /** Waits for the first snapshot; throws what keeps it from coming. */
  async initialize(): Promise<void> {
    const { version, lastError } = await this.client.ready();
    if (version !== undefined) return;
    this.#startFailed = true;
    const { ProviderFatalError, ProviderNotReadyError } = this.#sdk;
    // The server refuses the key: that will not get better by itself.
    const fatal = lastError?.status === 401 || lastError?.status === 403;
    throw new (fatal ? ProviderFatalError : ProviderNotReadyError)(lastError?.message ?? 'No snapshot arrived in time; the client goes on trying.');
  }

  async onClose(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    this.client.close();
  }

  /** Names this flag in the changes that concern it. */
  protected watch(key: string): void {
    if (this.#watched.has(key) || this.#watched.size === MAX_WATCHED) return;
    this.#watched.add(key);
    this.#ends.push(this.client.subscribe(key, () => this.#changed.push(key)));
  }
}
