// The scenarios of flagd's testbed, which are OpenFeature's for providers, through OpenFeature's SDKs and both providers of this package. The
// flags are imported by the control plane's importer. The features lie beside the repository, or where PENNON_SUITES says.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { OpenFeature as Server } from '@openfeature/server-sdk';
import { OpenFeature as Web } from '@openfeature/web-sdk';

import { createClient } from 'pennon/node';
import { PennonServerProvider } from 'pennon/openfeature-server';
import { PennonWebProvider } from 'pennon/openfeature-web';
import { parseFeature } from './support/gherkin.mjs';
import { DeliveryServer } from './support/server.mjs';
import { ENVIRONMENT, NOW, makeSnapshots, repository, snapshot } from './support/snapshots.mjs';

const suites = join(process.env.PENNON_SUITES ?? join(repository, '..', 'shared', 'suites'), 'flagd');
const FEATURES = ['evaluation', 'disabled', 'metadata', 'targeting'];
/** What a provider without a selector serves; and what those with one do, by the selector. */
const FLAGS = ['testing-flags', 'custom-ops', 'edge-case-flags', 'evaluator-refs', 'zero-flags', 'disabled-flags', 'metadata-flags'];
const ALL = 'flags/allFlags.json';
const SELECTED = { 'rawflags/selector-flags.json': 'selector-flags', 'rawflags/selector-flag-combined-metadata.json': 'selector-flag-combined-metadata' };

/** Scenarios that contradict others of the same features: the others count. */
const OUTDATED = ['@deprecated', '@fractional-v1'];

// As natively (core/tests/suites/flagd.rs): an imported default is a rule of its own here, and a split has its own reason.
const EXACT_REASONS = new Set(['STATIC', 'DISABLED']);
const EXACT_ERRORS = new Set(['FLAG_NOT_FOUND', 'TYPE_MISMATCH']);

const present = existsSync(suites);
const scenarios = present ? FEATURES.flatMap((name) => parseFeature(readFileSync(join(suites, 'gherkin', `${name}.feature`), 'utf8'))) : [];
const current = scenarios.filter(({ tags }) => !tags.some((tag) => OUTDATED.includes(tag)));

test("OpenFeature's scenarios are there", { skip: !present && process.env.CI !== 'true' && `there are none in ${suites}` }, () => {
  assert.ok(current.length > 100, `${current.length} scenarios`);
});

/** The flags of one or of several of flagd's files as CONFIG.json. */
function importFlags(names) {
  const files = names.map((name) => JSON.parse(readFileSync(join(suites, 'flags', `${name}.json`), 'utf8')));
  const merged = {
    ...(files.length === 1 ? files[0] : {}),
    flags: Object.assign({}, ...files.map(({ flags }) => flags)),
    $evaluators: Object.assign({}, ...files.map(({ $evaluators }) => $evaluators)),
  };
  const folder = mkdtempSync(join(tmpdir(), 'pennon-scenarios-'));
  try {
    const [file, out, report] = ['flagd.json', 'CONFIG.json', 'REPORT.json'].map((name) => join(folder, name));
    writeFileSync(file, JSON.stringify(merged));
    const pennon = process.env.PENNON_BIN ?? join(repository, 'target', 'debug', 'pennon');
    const { stderr, error } = spawnSync(pennon, ['import', '--from', 'flagd', '--out', out, '--report', report, file], { encoding: 'utf8' });
    if (!existsSync(out)) throw new Error(`pennon import failed: ${error ?? stderr}`);
    return JSON.parse(readFileSync(out, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const parse = { Boolean: (text) => text === 'true', String: String, Integer: Number, Float: Number, Object: JSON.parse };
const resolve = { Boolean: 'getBooleanDetails', String: 'getStringDetails', Integer: 'getNumberDetails', Float: 'getNumberDetails', Object: 'getObjectDetails' };

/** @param evaluate `(selector, method, key, otherwise, context)` to OpenFeature's details */
async function play({ steps }, evaluate) {
  const context = {};
  let selector = ALL;
  let asked;
  let details;
  for (const { text, table } of steps) {
    const [words, given] = [text.replace(/"[^"]*"/g, '""').replace(/a \w+-flag/, 'a flag'), [...text.matchAll(/"([^"]*)"/g)].map(([, word]) => word)];
    switch (words) {
      case 'a stable flagd provider':
      case 'a metadata flagd provider':
        break;
      case 'an option "" of type "" with value ""':
        if (given[0] === 'selector') selector = given[2];
        break;
      case 'a flag with key "" and a default value ""': {
        const [, type] = /a (\w+)-flag/.exec(text);
        asked = { type, key: given[0], otherwise: parse[type](given[1]) };
        break;
      }
      case 'a context containing a key "", with type "" and with value ""':
        context[given[0]] = parse[given[1]](given[2]);
        break;
      case 'a context containing a targeting key with value ""':
        context.targetingKey = given[0];
        break;
      case 'a context containing a nested property with outer key "" and inner key "", with value ""':
        context[given[0]] = { [given[1]]: given[2] };
        break;
      case 'the flag was evaluated with details':
        details = await evaluate(selector, resolve[asked.type], asked.key, asked.otherwise, context);
        break;
      case 'the resolved details value should be ""':
        assert.deepEqual(details.value, parse[asked.type](given[0]));
        break;
      case 'the reason should be ""':
        if (EXACT_REASONS.has(given[0])) assert.equal(details.reason, given[0]);
        break;
      case 'the error-code should be ""':
        if (EXACT_ERRORS.has(given[0])) assert.equal(details.errorCode, given[0]);
        else assert.equal(details.errorCode === undefined, given[0] === '');
        break;
      case 'the resolved metadata should contain': {
        const [[, typeName], ...rows] = table;
        assert.equal(typeName, 'metadata_type');
        for (const [name, type, value] of rows) assert.deepEqual(details.flagMetadata[name], parse[type](value), name);
        break;
      }
      case 'the resolved metadata is empty':
        assert.deepEqual(details.flagMetadata, {});
        break;
      default:
        throw new Error(`no such step: ${text}`);
    }
  }
  assert.ok(details, 'nothing was evaluated');
}

const PROVIDERS = [
  { name: 'server', api: Server, Provider: PennonServerProvider, context: () => undefined },
  { name: 'web', api: Web, Provider: PennonWebProvider, context: (domain, given) => Web.setContext(domain, given) },
];

describe('scenarios of OpenFeature', { skip: !present }, () => {
  const servers = [];
  let connections;

  before(async () => {
    const selectors = { [ALL]: FLAGS, ...Object.fromEntries(Object.entries(SELECTED).map(([selector, name]) => [selector, [name]])) };
    const made = makeSnapshots({
      snapshots: Object.fromEntries(Object.entries(selectors).map(([selector, names]) => [selector, snapshot(importFlags(names), { kind: 'server' })])),
    });
    connections = {};
    for (const selector of Object.keys(selectors)) {
      const server = await DeliveryServer.start(made);
      server.publish(made.snapshots[selector]);
      servers.push(server);
      connections[selector] = server.connectionString(made, { environment: ENVIRONMENT, kind: 'server' });
    }
  });
  after(() => Promise.all(servers.map((server) => server.stop())));

  for (const { name, api, Provider, context: setContext } of PROVIDERS) {
    describe(`through the ${name} provider`, () => {
      before(async () => {
        for (const [selector, connection] of Object.entries(connections)) {
          await api.setProviderAndWait(selector, new Provider(createClient(connection, { now: () => NOW })));
        }
      });
      after(() => api.close());
      for (const scenario of current) {
        test(scenario.name, () =>
          play(scenario, async (selector, method, key, otherwise, context) => {
            await setContext(selector, context);
            return api.getClient(selector)[method](key, otherwise, context);
          }));
      }
    });
  }
});
