// The providers under OpenFeature's own SDKs.
import assert from 'node:assert/strict';
import { before, beforeEach, afterEach, describe, test } from 'node:test';

import { OpenFeature as Server, ProviderEvents, ProviderStatus } from '@openfeature/server-sdk';
import { OpenFeature as Web, ProviderEvents as WebEvents, ProviderStatus as WebStatus } from '@openfeature/web-sdk';

import { createClient } from 'pennon/node';
import { PennonServerProvider } from 'pennon/openfeature-server';
import { PennonWebProvider } from 'pennon/openfeature-web';
import { DeliveryServer } from './support/server.mjs';
import { CREATED, DAY, ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const described = { ...sampleConfig().flags['banner-text'], metadata: { owner: 'growth', tier: 2, live: true } };

const KINDS = [
  { name: 'web', api: Web, Provider: PennonWebProvider, Events: WebEvents, Status: WebStatus },
  { name: 'server', api: Server, Provider: PennonServerProvider, Events: ProviderEvents, Status: ProviderStatus },
];

for (const { name, api, Provider, Events, Status } of KINDS) {
  describe(`the ${name} provider`, () => {
    let made, server, clock, domain, client;
    let number = 0;

    before(() => {
      const extra = { described };
      made = makeSnapshots({
        snapshots: {
          one: snapshot(sampleConfig({ extra })),
          two: snapshot(sampleConfig({ extra, checkout: false }), { version: 2 }),
          three: snapshot(sampleConfig({ extra }), { version: 3, created: CREATED + 2 * DAY, refreshBy: CREATED + 3 * DAY }),
        },
      });
    });
    beforeEach(async () => {
      clock = NOW;
      domain = `${name}-${(number += 1)}`;
      server = await DeliveryServer.start(made);
      server.publish(made.snapshots.one);
    });
    afterEach(async () => {
      await api.close();
      client?.close();
      await server.stop();
    });

    function connect(options = {}) {
      client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), {
        now: () => clock,
        backoff: { baseMs: 5, capMs: 50 },
        ...options,
      });
      return new Provider(client);
    }

    const context = { targetingKey: 'user-1', country: 'US' };
    async function start(options) {
      if (api === Web) await api.setContext(domain, context);
      await api.setProviderAndWait(domain, connect(options));
      return api.getClient(domain);
    }
    /** Both SDKs alike: one has a context of its own, the other takes it with each call. */
    const read = async (flags, method, key, otherwise) =>
      api === Web ? flags[method](key, otherwise) : await flags[method](key, otherwise, context);
    const event = (flags, name) => new Promise((resolve) => flags.addHandler(name, resolve));

    test('a snapshot that is overdue at the start leaves the provider stale', async () => {
      clock = CREATED + DAY + 1;
      const heard = [];
      const flags = api.getClient(domain);
      const stale = new Promise((resolve) => flags.addHandler(Events.Stale, () => resolve(heard.push(Events.Stale))));
      flags.addHandler(Events.Ready, () => heard.push(Events.Ready));
      await start();
      await stale;
      assert.deepEqual(heard, [Events.Ready, Events.Stale]);
      assert.equal(flags.providerStatus, Status.STALE);
    });

    test('a start that failed, and then an overdue snapshot, leave it stale as well', async () => {
      clock = CREATED + DAY + 1;
      await server.stop();
      await assert.rejects(start({ readyTimeoutMs: 50 }));
      const flags = api.getClient(domain);
      const stale = event(flags, Events.Stale);
      await server.listen();
      server.publish(made.snapshots.one);
      await stale;
      assert.equal(flags.providerStatus, Status.STALE);
    });

    if (api === Web) {
      test('is ready with what a server rendered; for another context it waits for flags', async () => {
        const rendered = { context, outcomes: { 'banner-text': { type: 'string', value: 'Rendered', variant: 'american', reason: 'TARGETING_MATCH' } } };
        await server.stop();
        await api.setProviderAndWait(domain, connect({ rendered }));
        assert.equal(api.getClient(domain).getStringValue('banner-text', ''), 'Rendered');
        await server.listen();
        const other = `${domain}-other`;
        await api.setContext(other, { targetingKey: 'user-2' });
        client.close();
        await api.setProviderAndWait(other, connect({ rendered }));
        assert.equal(api.getClient(other).getStringValue('banner-text', ''), 'Welcome');
      });

      for (const [name, outcomes] of [['for another context', { 'banner-text': { type: 'string', value: 'Rendered' } }], ['without a flag', {}]]) {
        test(`does not wait for ever offline with what was rendered ${name}`, async () => {
          await server.stop();
          await api.setContext(domain, { targetingKey: 'user-2' });
          const provider = connect({ rendered: { context, outcomes }, readyTimeoutMs: 50 });
          while (!client.status.lastError) await new Promise((resolve) => setTimeout(resolve, 5));
          await assert.rejects(api.setProviderAndWait(domain, provider));
          assert.equal(api.getClient(domain).providerStatus, Status.ERROR);
          await server.listen();
        });
      }

      test('a change names what changed with it, and nothing of an earlier context', async () => {
        const flags = await start();
        flags.getStringValue('banner-text', '');
        flags.getBooleanValue('new-checkout', false);
        await api.setContext(domain, { targetingKey: 'user-1' });
        assert.equal(flags.getStringValue('banner-text', ''), 'Welcome');
        const changed = event(flags, Events.ConfigurationChanged);
        server.publish(made.snapshots.two);
        assert.deepEqual((await changed).flagsChanged, ['new-checkout']);
      });
    }

    test('resolves every type with variant, reason and metadata', async () => {
      const flags = await start();
      assert.equal(flags.providerStatus, Status.READY);
      const cases = [
        ['getBooleanDetails', 'new-checkout', false, { value: true, variant: 'on', reason: 'STATIC', flagMetadata: {} }],
        ['getStringDetails', 'described', '', { value: 'Howdy', variant: 'american', reason: 'TARGETING_MATCH', flagMetadata: described.metadata }],
        ['getNumberDetails', 'limit', 0, { value: 2.5, variant: 'some', reason: 'STATIC', flagMetadata: {} }],
        ['getObjectDetails', 'theme', {}, { value: { ground: '#000', sizes: [1, 2] }, variant: 'dark', reason: 'STATIC', flagMetadata: {} }],
      ];
      for (const [method, key, otherwise, expected] of cases) {
        const { value, variant, reason, flagMetadata, errorCode } = await read(flags, method, key, otherwise);
        assert.deepEqual({ value, variant, reason, flagMetadata }, expected, key);
        assert.equal(errorCode, undefined);
      }
    });

    test('errors are the default with their code', async () => {
      const flags = await start();
      for (const [method, key, otherwise, code] of [
        ['getBooleanDetails', 'no-such-flag', true, 'FLAG_NOT_FOUND'],
        ['getNumberDetails', 'banner-text', 7, 'TYPE_MISMATCH'],
      ]) {
        const { value, errorCode, reason, errorMessage } = await read(flags, method, key, otherwise);
        assert.deepEqual([value, errorCode, reason], [otherwise, code, 'ERROR'], key);
        assert.ok(errorMessage.length > 0);
      }
    });

    test('a change is announced', async () => {
      const flags = await start();
      await read(flags, 'getBooleanValue', 'new-checkout', false);
      await read(flags, 'getStringValue', 'banner-text', '');
      const changed = event(flags, Events.ConfigurationChanged);
      server.publish(made.snapshots.two);
      const { flagsChanged } = await changed;
      assert.deepEqual(flagsChanged, api === Web ? ['new-checkout'] : undefined);
      assert.equal(await read(flags, 'getBooleanValue', 'new-checkout', true), false);
    });

    test('a snapshot that was not renewed is STALE, and READY again with the next', async () => {
      const flags = await start();
      const stale = event(flags, Events.Stale);
      clock = CREATED + DAY + 1;
      assert.equal((await read(flags, 'getBooleanDetails', 'new-checkout', false)).reason, 'STALE');
      // The clock was moved behind the client's back; it looks at it when its connection changes.
      server.endStreams();
      await stale;
      assert.equal(flags.providerStatus, Status.STALE);
      const ready = event(flags, Events.Ready);
      server.publish(made.snapshots.three);
      await ready;
      assert.equal(flags.providerStatus, Status.READY);
    });

    test('without a snapshot it is an ERROR, and READY when one comes', async () => {
      server.instead.set('head', { status: 503, type: 'text/plain', body: '' });
      server.instead.set('stream', { status: 503, type: 'text/plain', body: '' });
      const flags = api.getClient(domain);
      await assert.rejects(start({ readyTimeoutMs: 30 }));
      assert.equal(flags.providerStatus, Status.ERROR);
      const { value, errorCode } = await read(flags, 'getBooleanDetails', 'new-checkout', true);
      assert.deepEqual([value, errorCode], [true, 'PROVIDER_NOT_READY']);
      const ready = event(flags, Events.Ready);
      server.instead.clear();
      await ready;
      assert.equal(flags.providerStatus, Status.READY);
      assert.equal(await read(flags, 'getStringValue', 'banner-text', ''), 'Howdy');
    });

    test('a key that the server refuses is fatal', async () => {
      const refused = { status: 401, type: 'application/problem+json', body: JSON.stringify({ code: 'key-unknown', detail: 'no such key' }) };
      server.instead.set('head', refused);
      const flags = api.getClient(domain);
      await assert.rejects(start(), /no such key/);
      assert.equal(flags.providerStatus, Status.FATAL);
    });

    test('the context counts', async () => {
      const flags = await start();
      assert.equal(await read(flags, 'getStringValue', 'banner-text', ''), 'Howdy');
      if (api === Web) {
        await api.setContext(domain, { ...context, country: 'FR' });
        assert.equal(flags.getStringValue('banner-text', ''), 'Welcome');
      } else {
        const values = await Promise.all(['FR', 'CA', 'FR'].map((country) => flags.getStringValue('banner-text', '', { ...context, country })));
        assert.deepEqual(values, ['Welcome', 'Howdy', 'Welcome']);
      }
    });
  });
}
