// What is left of a request's body when its answer is ready. workerd closes the connection of a request that was not read to its end, and the
// caller's next request, often under way on it by then, fails.

/** How much is read of what nobody wants, and for how long; the control plane does the same. */
const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 1000;

/** Reads on to the end of a body that nobody began to read. A longer or a slower one costs its sender the connection. */
export async function discard(request) {
  if (request.bodyUsed || !request.body) return;
  const reader = request.body.getReader();
  const late = setTimeout(() => reader.cancel().catch(() => {}), TIMEOUT_MS);
  try {
    for (let read = 0; read <= MAX_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return;
      read += value.byteLength;
    }
  } catch {
    // The sender is gone, and with it who would have asked again.
  } finally {
    clearTimeout(late);
  }
}
