// Every entry point as TypeScript finds it.
import { createClient, type Client } from 'pennon';
import { createClient as createInline } from 'pennon/inline';
import { createClient as createNode, FileStorage, type ServerClient } from 'pennon/node';
import { PennonServerProvider } from 'pennon/openfeature-server';
import { PennonWebProvider } from 'pennon/openfeature-web';
import { PennonProvider, renderedFlags, useFlag } from 'pennon/react';
import { createClient as createForWorker } from 'pennon/service-worker';
import { createClient as createSlim, type SlimClient } from 'pennon/slim';
import { createClient as createWorker, type WorkerClient } from 'pennon/worker';

export const client: Client = createClient('');
export const value: boolean = createInline('').boolean('new-checkout', false);
export const server: ServerClient = createNode('', { storage: new FileStorage('') });
export const inWorker: Client = createForWorker('');
export const slim: SlimClient = createSlim('');
export const worker: WorkerClient = createWorker('');
export const providers = [new PennonServerProvider(server), new PennonWebProvider(slim), new PennonWebProvider(client)];
export const react = [PennonProvider, renderedFlags, useFlag];
// @ts-expect-error a boolean is no string
export const wrong: string = client.boolean('new-checkout', false);
