// An edge worker on workerd with one environment of flags, for the official OpenFeature clients to be pointed at.
import { startEdge } from "../../edge-worker/tests/support/edge.mjs";
import { startOrigin } from "../../edge-worker/tests/support/origin.mjs";
import { environment, withFlag } from "../../edge-worker/tests/support/world.mjs";

export async function startFlags() {
  const world = environment();
  let version = 1;
  const first = world.sign({ version });
  const origin = await startOrigin(world.id, world.keys.edge);
  origin.serve(first);
  const edge = await startEdge({ connection: world.connection(origin.url, first.fingerprint), pushKey: world.pushKey });
  return {
    url: edge.url,
    keys: world.keys,
    strangerKeys: environment().keys,
    /** Publishes the flag switched on or off. */
    async publish(flag, enabled) {
      version += 1;
      const signed = world.sign({ version, configuration: withFlag(flag, enabled) });
      origin.serve(signed);
      const pushed = await edge.push(signed.edge, signed.keyset);
      if (pushed.status !== 200) throw new Error(`the edge refused the push: ${JSON.stringify(pushed)}`);
    },
    async stop() {
      await edge.stop();
      await edge.remove();
      await origin.stop();
    },
  };
}
