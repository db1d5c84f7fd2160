import { createContext, createElement, useCallback, useContext, useRef, useSyncExternalStore, type ReactNode } from 'react';

import type { FlagKey } from '../flag-types.js';
import type { JsonValue, Outcome } from '../outcome.js';
import { FlagReader, type Details, type Widened } from '../reader.js';
import { readRendered, renderedOutcome, type RenderedFlags } from '../rendered.js';
import { sameValue } from '../subscriptions.js';

/** What components read: a browser's client, a slim one, or, while a server renders, the flags of one request. */
export interface FlagSource {
  details<Value extends JsonValue>(key: string, otherwise: Value): Details<Widened<Value>>;
  /** The details that a server rendered the page with. */
  renderedDetails?<Value extends JsonValue>(key: string, otherwise: Value): Details<Widened<Value>>;
  subscribe?(key: string, listener: (outcome: Outcome) => void): () => void;
  ready?(): Promise<unknown>;
  readonly status?: { readonly version: number | undefined };
}

/** What a server found, for components that it renders itself: they read the same as those of the browser will start with. */
export function renderedFlags(rendered: RenderedFlags): FlagSource {
  return new ReaderOfRendered(rendered);
}

class ReaderOfRendered extends FlagReader {
  readonly #outcomes: ReadonlyMap<string, Outcome>;

  constructor(rendered: RenderedFlags) {
    super();
    this.#outcomes = readRendered(rendered);
  }

  outcome(key: string): Outcome {
    return renderedOutcome(this.#outcomes, key);
  }

  protected isStale(): boolean {
    return false;
  }
}

interface Provided {
  readonly client: FlagSource;
  /** What components wait for that suspend; nothing when there is no need to. */
  readonly ready: { promise: Promise<unknown> | undefined } | undefined;
}

const Flags = createContext<Provided | undefined>(undefined);

export interface PennonProviderProps {
  readonly client: FlagSource;
  /** Whether components below suspend until the client is ready, instead of showing their defaults first. */
  readonly suspense?: boolean;
  readonly children?: ReactNode;
}

/** Gives a client to the components below. */
export function PennonProvider({ client, suspense = false, children }: PennonProviderProps): ReactNode {
  const provided = useRef<Provided>(undefined);
  if (provided.current?.client !== client || (provided.current.ready !== undefined) !== suspense) {
    provided.current = { client, ready: suspense ? pending(client) : undefined };
  }
  return createElement(Flags.Provider, { value: provided.current }, children);
}

/** One for each client, also when React throws away a tree that suspended before it was mounted, the provider with it. */
const waits = new WeakMap<FlagSource, { promise: Promise<unknown> | undefined }>();

function pending(client: FlagSource): { promise: Promise<unknown> | undefined } {
  let wait = waits.get(client);
  if (!wait) {
    // Who has flags already is waited for by nobody: a server renders once.
    const made: { promise: Promise<unknown> | undefined } = { promise: client.status?.version === undefined ? client.ready?.() : undefined };
    void made.promise?.then(() => (made.promise = undefined));
    waits.set(client, (wait = made));
  }
  return wait;
}

function useProvided(): Provided {
  const provided = useContext(Flags);
  if (!provided) throw new Error('Put a <PennonProvider client={...}> around the components that read flags.');
  return provided;
}

/** The client that the provider was given. */
export function useClient<Client extends FlagSource = FlagSource>(): Client {
  return useProvided().client as Client;
}

/** A flag's value; the component renders again when that value changes, and at no other flag's change. */
export function useFlag<Value extends JsonValue>(key: FlagKey<Widened<Value>>, otherwise: Value): Widened<Value> {
  const flags = useFlags<{ readonly [key: string]: JsonValue }>({ [key]: otherwise });
  return flags[key] as Widened<Value>;
}

/** The values of several flags, by key, from their defaults; the component renders again when one of them changes. */
export function useFlags<Defaults extends { readonly [key: string]: JsonValue }>(
  defaults: Defaults & { readonly [Key in keyof Defaults]: Key extends FlagKey<Widened<Defaults[Key]>> ? unknown : never },
): { readonly [Key in keyof Defaults]: Widened<Defaults[Key]> } {
  const { client, ready } = useProvided();
  // Old Reacts and new ones alike wait for a promise that is thrown.
  if (ready?.promise) throw ready.promise;
  const keys = JSON.stringify(Object.keys(defaults));
  const subscribe = useCallback(
    (changed: () => void) => {
      const ends = (JSON.parse(keys) as string[]).map((key) => client.subscribe?.(key, changed));
      return () => ends.forEach((end) => end?.());
    },
    [client, keys],
  );
  type Values = { readonly [Key in keyof Defaults]: Widened<Defaults[Key]> };
  // React compares by identity: as long as nothing differs, it gets the object that it has.
  const last = useRef<Values>(undefined);
  const read = (rendered: boolean): Values => {
    const details = (rendered && client.renderedDetails ? client.renderedDetails : client.details).bind(client);
    const entries = Object.entries(defaults).map(([key, otherwise]) => [key, details(key, otherwise).value] as const);
    const values = Object.fromEntries(entries) as Values;
    if (last.current && sameValue(last.current, values)) return last.current;
    return (last.current = values);
  };
  return useSyncExternalStore(
    subscribe,
    () => read(false),
    () => read(true),
  );
}
