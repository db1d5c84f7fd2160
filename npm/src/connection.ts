import { PennonError } from './errors.js';

/** The kinds of snapshot that a client can ask for. */
export type SnapshotKind = 'client' | 'server';

/** A connection string taken apart: address, key and trust (DESIGN section 5). */
export interface Connection {
  /** Scheme and host, with the path before the environment if there is one; no slash at the end. */
  readonly base: string;
  /** `pnc_...` or `pns_...`. */
  readonly sdkKey: string;
  /** What the key is good for. */
  readonly kind: SnapshotKind;
  /** SHA-256 of the root key, base64url, 43 characters. */
  readonly rootFingerprint: string;
  /** 32 lower-case hexadecimal digits. */
  readonly environment: string;
}

const SDK_KEY = /^(pnc|pns)_[A-Za-z0-9_-]{43}$/;
const FINGERPRINT = /^[A-Za-z0-9_-]{43}$/;
const ENVIRONMENT = /^[0-9a-f]{32}$/;
/** The hosts that plain http may go to, as in pennon-core's `ConnectionString`. */
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const FORM = 'https://<sdk key>:<root fingerprint>@host/<environment id>';

/**
 * Reads `https://<sdk key>:<root fingerprint>@host/<environment id>`. The string is only ever parsed: it holds the key and
 * the trust, and is never fetched as it stands.
 *
 * @throws PennonError `connection-string`, saying which part is wrong. The message never repeats the key.
 */
export function parseConnectionString(text: string): Connection {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw refuse(`it is not a URL like ${FORM}`);
  }
  const { protocol, hostname, username, password, pathname, origin, search, hash } = url;
  if (protocol !== 'https:' && protocol !== 'http:') throw refuse(`its scheme is ${protocol.slice(0, -1)} and not https`);
  if (protocol === 'http:' && !LOOPBACK.has(hostname)) throw refuse('http sends the key in clear, and is for your own machine alone; use https');
  if (search || hash) throw refuse('it has a query or a fragment; remove them');
  const sdkKey = decode(username);
  const match = SDK_KEY.exec(sdkKey);
  if (!match) throw refuse(sdkKey.startsWith('pne_') ? 'its key is an edge key; use a client key (pnc_) or a server key (pns_)' : `it has no SDK key (pnc_ or pns_ and 43 characters) like ${FORM}`);
  // Without it no snapshot can be trusted.
  if (password === '') throw refuse('the root fingerprint after the key is missing; copy the whole string again');
  const rootFingerprint = decode(password);
  if (!FINGERPRINT.test(rootFingerprint)) throw refuse('its root fingerprint is not 43 characters of base64url; copy the whole string again');
  const path = pathname.replace(/\/$/, '');
  const cut = path.lastIndexOf('/');
  const environment = path.slice(cut + 1);
  if (!ENVIRONMENT.test(environment)) throw refuse('its path does not end in an environment id (32 lower-case hexadecimal digits)');
  return { base: origin + path.slice(0, cut), sdkKey, kind: match[1] === 'pns' ? 'server' : 'client', rootFingerprint, environment };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

function refuse(why: string): PennonError {
  return new PennonError('connection-string', `The connection string cannot be used: ${why}.`);
}
