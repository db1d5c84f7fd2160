import { expect, test } from 'vitest';

import { fromHere } from '../../src/pages/start/fromHere.ts';

test.each([
  ['http://pnc_k:f@127.0.0.1:8600/e1', 'http://localhost:5173', 'http://pnc_k:f@localhost:5173/e1'],
  ['https://pnc_k:f@flags.example.com/e1', 'http://127.0.0.1:8600', 'http://pnc_k:f@127.0.0.1:8600/e1'],
  ['http://pnc_k:f@127.0.0.1:8600/e1', 'https://flags.example.com', 'https://pnc_k:f@flags.example.com/e1'],
])('%s as seen from %s is %s', (connection, origin, seen) => expect(fromHere(connection, origin)).toBe(seen));
