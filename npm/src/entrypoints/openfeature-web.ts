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
import { ProviderOver, resolution } from '../openfeature.js';
import type { JsonValue as FlagJson } from '../outcome.js';

/** OpenFeature's provider for browsers, over a client of `pennon` or `pennon/slim`. */
export class PennonWebProvider extends ProviderOver<FlagClient, OpenFeatureEventEmitter> implements Provider {
  readonly runsOn = 'client';

  constructor(client: FlagClient) {
    super(client, new OpenFeatureEventEmitter(), { ProviderEvents, ProviderFatalError, ProviderNotReadyError });
  }

  override initialize(context: EvaluationContext = {}): Promise<void> {
    // The SDK has an empty context of its own; what a server rendered counts for the client's.
    if (Object.keys(context).length > 0 || !this.client['rendered']) void this.client.setContext(context as PennonContext);
    return super.initialize();
  }

  onContextChange(_: EvaluationContext, context: EvaluationContext): Promise<void> {
    return this.client.setContext(context as PennonContext);
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
    const details = this.client.details(key, otherwise as FlagJson);
    this.watch(key);
    return resolution({ ...details, value: details.value as Value });
  }
}
