/**
 * Whether a client is closed, and the news of it. In a Worker an `AbortSignal` belongs to the request that made it, and a
 * client serves many.
 */
export interface Closing {
  closed: boolean;
  close(): void;
  /** Calls back at once when it is closed already. @returns how to stop listening */
  onClose(listener: () => void): () => void;
}

export function openClosing(): Closing {
  const listeners = new Set<() => void>();
  const closing: Closing = {
    closed: false,
    close() {
      closing.closed = true;
      for (const listener of listeners) listener();
    },
    onClose(listener) {
      if (closing.closed) listener();
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return closing;
}
