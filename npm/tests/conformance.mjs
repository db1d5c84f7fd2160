// The conformance vectors through this package, in whatever runtime this module is loaded: open, evaluate, hand back. It imports
// nothing, so that Node, Chromium and workerd run the same file.

/**
 * @param vectors what `support/vectors.mjs` loads
 * @param createClient of the runtime's entry point
 * @returns for each case `{ name, expected, actual }`
 */
export async function run(vectors, createClient) {
  const results = [];
  for (const file of vectors.files) {
    await opened(vectors, createClient, file, (client, at) => {
      for (const { name, flag, context, now, expect, explain } of file.cases) {
        at(now);
        client.setContext(context);
        const actual = { outcome: written(client.outcome(flag)), ...(explain && { explain: client.explain(flag) }) };
        const expected = { outcome: expect, ...(explain && { explain }) };
        // Where calls bring contexts: the same, whether the context is prepared or of this call alone.
        if (client.for) {
          expected.prepared = expected.once = client.details(flag, null);
          actual.prepared = client.for(context).details(flag, null);
          actual.once = client.details(flag, null, context);
        }
        results.push({ name: `${file.name}: ${name}`, expected, actual });
      }
    });
  }
  await opened(vectors, createClient, vectors.golden, (client) => results.push(...goldenBuckets(vectors.golden.cases, client)));
  return results;
}

/** Calls `use` with a client of the file's snapshot and a function that sets its clock. */
async function opened(vectors, createClient, file, use) {
  let now = vectors.openAt;
  const client = createClient(vectors.connectionString, {
    bootstrap: { keysets: vectors.keysets.map(bytes), head: bytes(file.head), body: bytes(file.body) },
    storage: false,
    now: () => now,
    fetch: (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  try {
    const { version, lastError } = await client.ready();
    if (version === undefined) throw lastError ?? new Error(`${file.name}: no snapshot was opened`);
    // A page loads what explains after its first flags, and nothing tells when it is there.
    const [key] = client.keys();
    for (const end = Date.now() + 10_000; key !== undefined && client.explain(key).length === 0 && Date.now() < end; ) await new Promise((resolve) => setTimeout(resolve));
    use(client, (instant) => {
      now = instant;
    });
  } finally {
    client.close();
  }
}

/** One result for all units of a salt: the buckets as the evaluator explains them. */
function goldenBuckets(cases, client) {
  const bySalt = new Map();
  for (const golden of cases) bySalt.set(golden[0], [...(bySalt.get(golden[0]) ?? []), golden]);
  return [...bySalt].map(([salt, units]) => {
    const actual = units.map(([, targetingKey]) => {
      client.setContext({ targetingKey });
      const split = client.explain(String(salt)).find(({ step }) => step === 'split');
      return [salt, targetingKey, split?.bucket];
    });
    return { name: `golden buckets of salt ${salt}`, expected: units, actual };
  });
}

/** An outcome as the vectors write it: what is not there is left out, and so is the flag's type. */
function written({ type: _, ...outcome }) {
  return Object.fromEntries(Object.entries(outcome).filter(([, part]) => part !== undefined));
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
