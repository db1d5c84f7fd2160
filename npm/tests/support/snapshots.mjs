// Real signed snapshots, compiled and signed by pennon-core.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../../', import.meta.url));

export const ENVIRONMENT = '00112233445566778899aabbccddeeff';
export const OTHER_ENVIRONMENT = 'ffeeddccbbaa99887766554433221100';
export const CREATED = 1_700_000_000_000;
export const DAY = 24 * 60 * 60 * 1000;
/** An instant at which the snapshots made here are fresh. */
export const NOW = CREATED + 1000;

// Keys are named by the numbers that they are made from.
const ROOT = 1;
const ONLINE = 2;

/** Keyset 1: one root, one online key. */
export const KEYSET = { number: 1, roots: [ROOT], keys: [ONLINE], signedBy: [ROOT] };

/** A snapshot with the usual fields, and what a test wants otherwise. */
export function snapshot(config, fields = {}) {
  return {
    config,
    kind: 'client',
    environment: ENVIRONMENT,
    epoch: 1,
    version: 1,
    created: CREATED,
    refreshBy: CREATED + DAY,
    notAfter: CREATED + 30 * DAY,
    keyset: 1,
    signedBy: [ONLINE],
    ...fields,
  };
}

/**
 * Has snapshots made.
 *
 * @param order `{ keysets?, snapshots: { name: snapshot(...) }, deltas?: [[name, name]] }`
 * @returns `{ rootFingerprint, keysets: Uint8Array[], snapshots: { name: { head, body } }, deltas: Uint8Array[] }`
 */
export function makeSnapshots({ keysets = [KEYSET], snapshots, deltas = [] }) {
  const cargo = ['run', '--quiet', '--package', 'pennon-wasm', '--example', 'snapshots'];
  const { status, stdout, stderr, error } = spawnSync('cargo', cargo, {
    cwd: repository,
    input: JSON.stringify({ keysets, snapshots, deltas }),
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`cargo ${cargo.join(' ')} failed: ${error ?? stderr}`);
  const made = JSON.parse(stdout);
  const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'));
  return {
    rootFingerprint: made.rootFingerprint,
    keysets: made.keysets.map(bytes),
    deltas: made.deltas.map(bytes),
    snapshots: Object.fromEntries(
      Object.entries(made.snapshots).map(([name, { head, body }]) => [name, { head: bytes(head), body: bytes(body) }]),
    ),
  };
}

/** A copy with one bit flipped. */
export function flipBit(bytes, at, bit = 0) {
  const flipped = Uint8Array.from(bytes);
  flipped[at] ^= 1 << bit;
  return flipped;
}

export const vectorsFolder = join(repository, 'core', 'spec', 'vectors');
export const knownGapsFolder = join(repository, 'core', 'spec', 'known-gaps');

/** The sample project's three flags, with a knob for the boolean. */
export function sampleConfig({ checkout = true, extra = {} } = {}) {
  const off = { key: 'off', value: false };
  return {
    format: 1,
    attributes: { country: { type: 'string' } },
    flags: {
      'new-checkout': {
        type: 'boolean',
        clientVisible: true,
        enabled: checkout,
        variants: [{ key: 'on', value: true }, off],
        offVariant: 'off',
        fallthrough: { variant: 'on' },
      },
      'banner-text': {
        type: 'string',
        clientVisible: true,
        enabled: true,
        variants: [
          { key: 'plain', value: 'Welcome' },
          { key: 'american', value: 'Howdy' },
        ],
        offVariant: 'plain',
        rules: [{ id: 'americans', when: { in: { attribute: 'country', values: ['US', 'CA'] } }, serve: { variant: 'american' } }],
        fallthrough: { variant: 'plain' },
      },
      'button-colour': {
        type: 'string',
        clientVisible: true,
        enabled: true,
        variants: [
          { key: 'blue', value: 'blue' },
          { key: 'green', value: 'green' },
        ],
        offVariant: 'blue',
        fallthrough: {
          split: {
            by: { salt: '000102030405060708090a0b0c0d0e0f' },
            weights: [
              { variant: 'blue', weight: 50000 },
              { variant: 'green', weight: 50000 },
            ],
          },
        },
      },
      limit: {
        type: 'number',
        clientVisible: true,
        enabled: true,
        variants: [{ key: 'some', value: 2.5 }],
        offVariant: 'some',
        fallthrough: { variant: 'some' },
      },
      theme: {
        type: 'json',
        clientVisible: true,
        enabled: true,
        variants: [{ key: 'dark', value: { ground: '#000', sizes: [1, 2] } }],
        offVariant: 'dark',
        fallthrough: { variant: 'dark' },
      },
      ...extra,
    },
  };
}
