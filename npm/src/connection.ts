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

/** The hosts that plain http may go to, as in pennon-core's `ConnectionString`. */
const LOOPBACK = /^(localhost|127\.0\.0\.1|\[::1\])$/;

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
    throw refuse('form');
  }
  const { protocol, hostname, username, password, pathname, origin, search, hash } = url;
  const path = pathname.replace(/\/$/, '');
  const cut = path.lastIndexOf('/');
  const [sdkKey, rootFingerprint, environment] = [decode(username), decode(password), path.slice(cut + 1)];
  const [key, kind] = /^(pn[cs])_[\w-]{43}$/.exec(sdkKey) ?? [];
  const wrong =
    protocol !== 'https:' && !(protocol === 'http:' && LOOPBACK.test(hostname))
      ? // The key would go in clear.
        'scheme'
      : search || hash
        ? 'query'
        : !key
          ? 'SDK key'
          : !/^[\w-]{43}$/.test(rootFingerprint)
            ? 'root fingerprint'
            : !/^[\da-f]{32}$/.test(environment) && 'environment id';
  if (wrong) throw refuse(wrong);
  return { base: origin + path.slice(0, cut), sdkKey, kind: kind === 'pns' ? 'server' : 'client', rootFingerprint, environment };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

/** Says which part is to be looked at. */
function refuse(part: string): PennonError {
  return new PennonError('connection-string', `Check the ${part} of the connection string, https://<key>:<root fingerprint>@host/<environment id>`);
}
