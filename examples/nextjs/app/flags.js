'use client';

import { createClient } from 'pennon';
import { PennonProvider, renderedFlags } from 'pennon/react';

let client;

/** What components below read: while the server renders, what it found; in the browser, a client that starts with that. */
export function Flags({ connection, rendered, children }) {
  if (typeof window === 'undefined') return <PennonProvider client={renderedFlags(rendered)}>{children}</PennonProvider>;
  client ??= createClient(connection, { rendered });
  return <PennonProvider client={client}>{children}</PennonProvider>;
}
