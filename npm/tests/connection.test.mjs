import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseConnectionString } from '../dist/connection.js';

const KEY = `pnc_${'k'.repeat(43)}`;
const ROOT = `${'r'.repeat(41)}_-`;
const ENVIRONMENT = '0123456789abcdef0123456789abcdef';

test('a connection string is taken apart', () => {
  assert.deepEqual(parseConnectionString(`https://${KEY}:${ROOT}@flags.example.com/${ENVIRONMENT}`), {
    base: 'https://flags.example.com',
    sdkKey: KEY,
    kind: 'client',
    rootFingerprint: ROOT,
    environment: ENVIRONMENT,
  });
});

test('port, path prefix and a slash at the end are kept or forgiven', () => {
  const connection = parseConnectionString(`http://${KEY.replace('pnc', 'pns')}:${ROOT}@127.0.0.1:8600/flags/${ENVIRONMENT}/`);
  assert.equal(connection.base, 'http://127.0.0.1:8600/flags');
  assert.equal(connection.kind, 'server');
});

test('plain http is for loopback hosts', () => {
  for (const host of ['localhost', '127.0.0.1:8600', '[::1]:8600']) {
    assert.equal(parseConnectionString(`http://${KEY}:${ROOT}@${host}/${ENVIRONMENT}`).base, `http://${host}`);
  }
});

const REFUSED = [
  ['nothing', '', /the form of/],
  ['no URL', 'pnc_abc', /the form of/],
  ['another scheme', `ftp://${KEY}:${ROOT}@h/${ENVIRONMENT}`, /the scheme/],
  ['plain http to another host', `http://${KEY}:${ROOT}@flags.example.com/${ENVIRONMENT}`, /the scheme/],
  ['plain http in the local network', `http://${KEY.replace('pnc', 'pns')}:${ROOT}@10.0.0.5/${ENVIRONMENT}`, /the scheme/],
  ['plain http to a name that starts like this machine', `http://${KEY}:${ROOT}@localhost.example.com/${ENVIRONMENT}`, /the scheme/],
  ['no key', `https://h/${ENVIRONMENT}`, /the SDK key/],
  ['a short key', `https://pnc_short:${ROOT}@h/${ENVIRONMENT}`, /the SDK key/],
  ['an edge key', `https://${KEY.replace('pnc', 'pne')}:${ROOT}@h/${ENVIRONMENT}`, /the SDK key/],
  ['no fingerprint', `https://${KEY}@h/${ENVIRONMENT}`, /the root fingerprint/],
  ['a cut fingerprint', `https://${KEY}:${ROOT.slice(1)}@h/${ENVIRONMENT}`, /the root fingerprint/],
  ['no environment', `https://${KEY}:${ROOT}@h/`, /the environment id/],
  ['an environment in capitals', `https://${KEY}:${ROOT}@h/${ENVIRONMENT.toUpperCase()}`, /the environment id/],
  ['a query', `https://${KEY}:${ROOT}@h/${ENVIRONMENT}?x=1`, /the query/],
  ['a broken escape', `https://%ff:${ROOT}@h/${ENVIRONMENT}`, /the SDK key/],
];

for (const [name, text, message] of REFUSED) {
  test(`refused: ${name}`, () => {
    assert.throws(
      () => parseConnectionString(text),
      (error) => error.code === 'connection-string' && message.test(error.message) && !error.message.includes('kkkk'),
    );
  });
}
