// What CommonJS programs load.
import { createClient, type ServerClient } from 'pennon';
import { PennonServerProvider } from 'pennon/openfeature-server';
import { useFlag } from 'pennon/react';
import { createClient as createSlim } from 'pennon/slim';

export const server: ServerClient = createClient('');
export const others = [createSlim(''), new PennonServerProvider(server), useFlag];
