// What OpenFeature's specification asks of evaluations, through its SDKs and both providers: values and details of every type, a flag that
// depends on the context, a flag that does not exist, and one of another type. Scenarios of our own, with the content of the
// specification's `evaluation.feature`; those of flagd's testbed are in openfeature-scenarios.test.mjs.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { OpenFeature as Server } from '@openfeature/server-sdk';
import { OpenFeature as Web } from '@openfeature/web-sdk';

import { createClient } from 'pennon/node';
import { PennonServerProvider } from 'pennon/openfeature-server';
import { PennonWebProvider } from 'pennon/openfeature-web';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, snapshot } from './support/snapshots.mjs';

const TEMPLATE = { showImages: true, title: 'Look here', imagesPerPage: 100 };

/** A flag that everybody gets the first variant of. */
const flag = (type, variants, rules = []) => ({
  type,
  clientVisible: true,
  enabled: true,
  variants: Object.entries(variants).map(([key, value]) => ({ key, value })),
  rules,
  fallthrough: { variant: Object.keys(variants)[0] },
});

const CONFIGURATION = {
  format: 1,
  attributes: { first: { type: 'string' }, last: { type: 'string' }, age: { type: 'number' }, customer: { type: 'boolean' } },
  segments: {},
  flags: {
    boolean: flag('boolean', { on: true, off: false }),
    string: flag('string', { greeting: 'hi', parting: 'bye' }),
    integer: flag('number', { ten: 10, one: 1 }),
    float: flag('number', { half: 0.5, tenth: 0.1 }),
    object: flag('json', { template: TEMPLATE, empty: {} }),
    aware: flag('string', { external: 'EXTERNAL', internal: 'INTERNAL' }, [
      {
        id: 'staff',
        when: {
          all: [
            { equals: { attribute: 'first', value: 'Sułisława' } },
            { equals: { attribute: 'last', value: 'Świętopełk' } },
            { equals: { attribute: 'age', value: 29 } },
            { equals: { attribute: 'customer', value: false } },
          ],
        },
        serve: { variant: 'internal' },
      },
    ]),
  },
};

const STAFF = { first: 'Sułisława', last: 'Świętopełk', age: 29, customer: false };

/** Of each type: the SDK's word for it, the default, the value and the variant. */
const TYPES = [
  ['boolean', 'Boolean', false, true, 'on'],
  ['string', 'String', 'bye', 'hi', 'greeting'],
  ['integer', 'Number', 1, 10, 'ten'],
  ['float', 'Number', 0.1, 0.5, 'half'],
  ['object', 'Object', {}, TEMPLATE, 'template'],
];

const PROVIDERS = [
  { name: 'server', api: Server, Provider: PennonServerProvider, setContext: async () => undefined },
  { name: 'web', api: Web, Provider: PennonWebProvider, setContext: (context) => Web.setContext(context) },
];

for (const { name, api, Provider, setContext } of PROVIDERS) {
  describe(`OpenFeature's evaluations through the ${name} provider`, () => {
    let server, client;

    before(async () => {
      const made = makeSnapshots({ snapshots: { only: snapshot(CONFIGURATION) } });
      server = await DeliveryServer.start(made);
      server.publish(made.snapshots.only);
      await api.setProviderAndWait(new Provider(createClient(server.connectionString(made, { environment: ENVIRONMENT }), { now: () => NOW })));
      client = api.getClient();
    });
    after(async () => {
      await api.close();
      await server.stop();
    });

    for (const [key, type, otherwise, value, variant] of TYPES) {
      test(`resolves a value: ${key}`, () => Promise.resolve(client[`get${type}Value`](key, otherwise)).then((found) => assert.deepEqual(found, value)));

      test(`resolves details: ${key}`, async () => {
        const details = await client[`get${type}Details`](key, otherwise);
        assert.deepEqual([details.value, details.variant, details.reason, details.errorCode], [value, variant, 'STATIC', undefined]);
      });
    }

    test('resolves by the context, and without it', async () => {
      await setContext(STAFF);
      assert.equal(await client.getStringValue('aware', 'EXTERNAL', STAFF), 'INTERNAL');
      await setContext({});
      assert.equal(await client.getStringValue('aware', 'EXTERNAL', {}), 'EXTERNAL');
    });

    test('a flag that does not exist: the default, and FLAG_NOT_FOUND', async () => {
      const { value, reason, errorCode } = await client.getStringDetails('missing', 'uh-oh');
      assert.deepEqual({ value, reason, errorCode }, { value: 'uh-oh', reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' });
    });

    test('a flag of another type: the default, and TYPE_MISMATCH', async () => {
      const { value, reason, errorCode } = await client.getNumberDetails('string', 13);
      assert.deepEqual({ value, reason, errorCode }, { value: 13, reason: 'ERROR', errorCode: 'TYPE_MISMATCH' });
    });
  });
}
