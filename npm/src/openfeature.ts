import type { FlagClient } from './flag-client.js';
import { READY_TIMEOUT_MS } from './limits.js';
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

const STALE = { message: 'The snapshot should have been renewed by now; evaluation goes on with it.' };

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
  /** Whether the SDK has said of a start that it succeeded. */
  #isStarted = false;
  #startFailed = false;
  /** The client is ready with what a server rendered, before it has flags of its own. */
  readonly #wasRendered: boolean;
  readonly #ends: (() => void)[] = [];
  readonly #changed: string[] = [];
  #stale = false;

  constructor(client: Over, events: Events, sdk: Sdk) {
    this.client = client;
    this.events = events;
    this.#sdk = sdk;
    this.#wasRendered = this.#isRendered();
    const { Ready, Stale, ConfigurationChanged, Error } = sdk.ProviderEvents;
    this.#ends.push(
      client.on('ready', () => {
        // A start in time the SDK announces itself.
        if (!this.#startFailed) return;
        events.emit(Ready);
        this.#started();
      }),
      client.on('change', ({ cause }) => {
        // The listeners of single flags are called after this one.
        queueMicrotask(() => {
          const flagsChanged = this.#changed.splice(0);
          // Of another context the SDK tells itself.
          if (cause !== 'context' && !this.#isClosed()) events.emit(ConfigurationChanged, this.#watched.size > 0 ? { flagsChanged } : undefined);
        });
      }),
      client.on('status', ({ stale, version, lastError }) => {
        if (stale && !this.#isStarted) return;
        if (stale !== this.#stale) {
          this.#stale = stale;
          if (stale) events.emit(Stale, STALE);
          else events.emit(Ready);
        } else if (version === undefined && lastError) {
          events.emit(Error, { message: lastError.message });
        }
      }),
    );
  }

  /** Waits for the first flags; throws what keeps them from coming. */
  async initialize(): Promise<void> {
    await this.client.ready();
    if (this.#wasRendered && !this.#hasFlags() && !this.client.status.lastError) await this.#firstNews();
    if (this.#hasFlags()) {
      // The SDK says `ready` when this is over, and that is not to undo what is said of a snapshot that is overdue already.
      setTimeout(() => this.#started());
      return;
    }
    const { lastError } = this.client.status;
    this.#startFailed = true;
    const { ProviderFatalError, ProviderNotReadyError } = this.#sdk;
    // The server refuses the key: that will not get better by itself.
    const fatal = lastError?.status === 401 || lastError?.status === 403;
    throw new (fatal ? ProviderFatalError : ProviderNotReadyError)(lastError?.message ?? 'No snapshot arrived in time; the client goes on trying.');
  }

  #hasFlags(): boolean {
    return this.client.status.version !== undefined || this.#isRendered();
  }

  #isRendered(): boolean {
    return (this.client['rendered']?.size ?? 0) > 0;
  }

  #isClosed(): boolean {
    return this.#ends.length === 0;
  }

  #started(): void {
    this.#isStarted = true;
    if (this.#isClosed() || !this.client.status.stale || this.#stale) return;
    this.#stale = true;
    this.events.emit(this.#sdk.ProviderEvents.Stale, STALE);
  }

  /** For another context than was rendered for, a client that is ready has no flags yet: waits as long as it would wait for its first. */
  async #firstNews(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, READY_TIMEOUT_MS);
      this.#ends.push(this.client.on('ready', () => resolve()), this.client.on('error', () => resolve()), resolve);
    });
    clearTimeout(timer);
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
