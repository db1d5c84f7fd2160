const STORED = 'pennon-example-connection';

/**
 * Where this page's connection string comes from: `?connection=` once (kept for this tab, and taken out of the address, so
 * that it is neither bookmarked nor sent as a referrer), or the build's environment, which `cargo xtask dev` sets.
 */
export function findConnectionString(): string | undefined {
  const address = new URL(location.href);
  const given = address.searchParams.get('connection');
  if (given) {
    keepConnectionString(given);
    address.searchParams.delete('connection');
    history.replaceState(null, '', address);
  }
  const fromBuild: unknown = import.meta.env['VITE_PENNON_CONNECTION'];
  return sessionStorage.getItem(STORED) ?? (typeof fromBuild === 'string' && fromBuild !== '' ? fromBuild : undefined);
}

export function keepConnectionString(connection: string): void {
  sessionStorage.setItem(STORED, connection);
}

export function forgetConnectionString(): void {
  sessionStorage.removeItem(STORED);
}
