import {
  OpenFeatureEventEmitter,
  ProviderEvents,
  ProviderFatalError,
  ProviderNotReadyError,
  type EvaluationContext,
  type JsonValue,
  type Provider,
  type ResolutionDetails,
} from '@openfeature/server-sdk';

import type { EvaluationContext as PennonContext } from '../context.js';
import { ProviderEventsOf, resolution } from '../openfeature.js';
import type { JsonValue as FlagJson } from '../outcome.js';
import type { ServerClient } from '../server-client.js';

/** OpenFeature's provider for servers, over a client of `pennon/node` or `pennon/worker`. */
export class PennonServerProvider implements Provider {
  readonly metadata = { name: 'pennon' } as const;
  readonly runsOn = 'server';
  readonly events = new OpenFeatureEventEmitter();
  readonly #client: ServerClient;
  readonly #events: ProviderEventsOf;

  constructor(client: ServerClient) {
    this.#client = client;
    this.#events = new ProviderEventsOf(client, {
      ready: () => this.events.emit(ProviderEvents.Ready),
      stale: (message) => this.events.emit(ProviderEvents.Stale, { message }),
      // Which flags changed depends on the context, and here every call brings its own.
      changed: () => this.events.emit(ProviderEvents.ConfigurationChanged),
      error: (message) => this.events.emit(ProviderEvents.Error, { message }),
    });
  }

  async initialize(): Promise<void> {
    const failure = await this.#events.started();
    if (failure) throw new (failure.fatal ? ProviderFatalError : ProviderNotReadyError)(failure.message);
  }

  async onClose(): Promise<void> {
    this.#events.end();
    this.#client.close();
  }

  async resolveBooleanEvaluation(key: string, otherwise: boolean, context: EvaluationContext): Promise<ResolutionDetails<boolean>> {
    return this.#resolve(key, otherwise, context);
  }

  async resolveStringEvaluation(key: string, otherwise: string, context: EvaluationContext): Promise<ResolutionDetails<string>> {
    return this.#resolve(key, otherwise, context);
  }

  async resolveNumberEvaluation(key: string, otherwise: number, context: EvaluationContext): Promise<ResolutionDetails<number>> {
    return this.#resolve(key, otherwise, context);
  }

  async resolveObjectEvaluation<Value extends JsonValue>(key: string, otherwise: Value, context: EvaluationContext): Promise<ResolutionDetails<Value>> {
    return this.#resolve(key, otherwise, context);
  }

  #resolve<Value>(key: string, otherwise: Value, context: EvaluationContext): ResolutionDetails<Value> {
    const details = this.#client.details(key, otherwise as FlagJson, context as PennonContext);
    return resolution({ ...details, value: details.value as Value });
  }
}
