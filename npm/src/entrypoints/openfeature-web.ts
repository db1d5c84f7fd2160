import {
  OpenFeatureEventEmitter,
  ProviderEvents,
  ProviderFatalError,
  ProviderNotReadyError,
  type EvaluationContext,
  type JsonValue,
  type Provider,
  type ResolutionDetails,
} from '@openfeature/web-sdk';

import type { EvaluationContext as PennonContext } from '../context.js';
import type { FlagClient } from '../flag-client.js';
import { ProviderEventsOf, resolution } from '../openfeature.js';
import type { JsonValue as FlagJson } from '../outcome.js';

/** OpenFeature's provider for browsers, over a client of `pennon` or `pennon/slim`. */
export class PennonWebProvider implements Provider {
  readonly metadata = { name: 'pennon' } as const;
  readonly runsOn = 'client';
  readonly events = new OpenFeatureEventEmitter();
  readonly #client: FlagClient;
  readonly #events: ProviderEventsOf;

  constructor(client: FlagClient) {
    this.#client = client;
    this.#events = new ProviderEventsOf(client, {
      ready: () => this.events.emit(ProviderEvents.Ready),
      stale: (message) => this.events.emit(ProviderEvents.Stale, { message }),
      changed: (flagsChanged) => this.events.emit(ProviderEvents.ConfigurationChanged, { flagsChanged }),
      error: (message) => this.events.emit(ProviderEvents.Error, { message }),
    });
  }

  async initialize(context: EvaluationContext = {}): Promise<void> {
    void this.#client.setContext(context as PennonContext);
    const failure = await this.#events.started();
    if (failure) throw new (failure.fatal ? ProviderFatalError : ProviderNotReadyError)(failure.message);
  }

  onContextChange(_: EvaluationContext, context: EvaluationContext): Promise<void> {
    return this.#client.setContext(context as PennonContext);
  }

  async onClose(): Promise<void> {
    this.#events.end();
    this.#client.close();
  }

  resolveBooleanEvaluation(key: string, otherwise: boolean): ResolutionDetails<boolean> {
    return this.#resolve(key, otherwise);
  }

  resolveStringEvaluation(key: string, otherwise: string): ResolutionDetails<string> {
    return this.#resolve(key, otherwise);
  }

  resolveNumberEvaluation(key: string, otherwise: number): ResolutionDetails<number> {
    return this.#resolve(key, otherwise);
  }

  resolveObjectEvaluation<Value extends JsonValue>(key: string, otherwise: Value): ResolutionDetails<Value> {
    return this.#resolve(key, otherwise);
  }

  #resolve<Value>(key: string, otherwise: Value): ResolutionDetails<Value> {
    const details = this.#client.details(key, otherwise as FlagJson);
    this.#events.watch(key);
    return resolution({ ...details, value: details.value as Value });
  }
}
