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
import { ProviderOver, resolution } from '../openfeature.js';
import type { JsonValue as FlagJson } from '../outcome.js';
import type { ServerClient } from '../server-client.js';

/**
 * OpenFeature's provider for servers, over a client of `pennon/node` or `pennon/worker`. Its changes name no flags: which ones
 * changed depends on the context, and here every call brings its own.
 */
export class PennonServerProvider extends ProviderOver<ServerClient, OpenFeatureEventEmitter> implements Provider {
  readonly runsOn = 'server';

  constructor(client: ServerClient) {
    super(client, new OpenFeatureEventEmitter(), { ProviderEvents, ProviderFatalError, ProviderNotReadyError });
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
    const details = this.client.details(key, otherwise as FlagJson, context as PennonContext);
    return resolution({ ...details, value: details.value as Value });
  }
}
