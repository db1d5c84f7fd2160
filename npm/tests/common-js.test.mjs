// What CommonJS programs load: the same clients, in files of their own.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';

import { OpenFeature } from '@openfeature/server-sdk';

import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, sampleConfig, snapshot } from './support/snapshots.mjs';

const require = createRequire(import.meta.url);

describe('by require', () => {
  let made, server;

  before(async () => {
    made = makeSnapshots({ snapshots: { one: snapshot(sampleConfig()) } });
    server = await DeliveryServer.start(made);
    server.publish(made.snapshots.one);
  });
  after(() => server.stop());

  for (const name of ['pennon', 'pennon/node']) {
    test(`${name} evaluates, and OpenFeature's provider with it`, async () => {
      const { createClient } = require(name);
      const { PennonServerProvider } = require('pennon/openfeature-server');
      const client = createClient(server.connectionString(made, { environment: ENVIRONMENT }), { now: () => NOW });
      await OpenFeature.setProviderAndWait(name, new PennonServerProvider(client));
      assert.equal(client.boolean('new-checkout', false, { targetingKey: 'user-1' }), true);
      assert.equal(await OpenFeature.getClient(name).getStringValue('banner-text', '', { country: 'US' }), 'Howdy');
      await OpenFeature.close();
    });
  }

  test('the others are there', () => {
    assert.equal(typeof require('pennon/slim').createClient, 'function');
    assert.equal(typeof require('pennon/react').useFlag, 'function');
    assert.equal(typeof require('pennon/openfeature-web').PennonWebProvider, 'function');
  });
});
