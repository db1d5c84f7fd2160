import type { Closing } from './closing.js';

/** What the client that follows the server tells the others. */
export type TabMessage =
  | { readonly head: Uint8Array }
  | { readonly connected: boolean }
  /** Somebody came late and wants to know how things stand. */
  | { readonly news: 'wanted' };

/** Lets one client of several follow the server, and the others hear of it. */
export type Share = (
  name: string,
  closing: Closing,
  client: {
    /** Follows the server until closed: this client is the one that has to. */
    lead(tell: (message: TabMessage) => void): Promise<void>;
    /** Another client follows the server, so far. */
    wait(): void;
    /** That client said so. */
    hear(message: TabMessage): void;
  },
) => Promise<void>;

/**
 * One stream for all tabs and workers of an origin: the client that holds the lock follows the server. When its tab goes, the
 * browser hands the lock to the next one.
 */
export const shareBetweenTabs: Share = async (name, closing, client) => {
  const ended = new AbortController();
  const stopListening = closing.onClose(() => ended.abort());
  let channel: BroadcastChannel | undefined;
  const tell = (message: TabMessage): void => channel?.postMessage(message);
  let leading = false;
  const lead = (): Promise<void> => {
    leading = true;
    return client.lead(tell);
  };
  try {
    channel = new BroadcastChannel(name);
    channel.onmessage = ({ data }: MessageEvent<TabMessage>) => client.hear(data);
    const led = await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) await lead();
      return lock !== null;
    });
    if (led) return;
    client.wait();
    tell({ news: 'wanted' });
    await navigator.locks.request(name, { signal: ended.signal }, lead);
  } catch (thrown) {
    if (leading) throw thrown;
    // The lock was not there before the end; or both are there and forbidden, as in a sandboxed frame: this client follows by itself.
    if (!closing.closed) await lead();
  } finally {
    stopListening();
    channel?.close();
  }
};

/** Whether this platform can. */
export function tabsCanShare(): boolean {
  return typeof BroadcastChannel === 'function' && typeof navigator === 'object' && 'locks' in navigator;
}
