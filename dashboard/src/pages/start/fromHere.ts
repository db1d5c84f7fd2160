/** The SDK's address is the server's public one; this page asks where it came from itself, which its policy allows. */
export function fromHere(connection: string, origin: string): string {
  const [address, here] = [new URL(connection), new URL(origin)];
  address.protocol = here.protocol;
  address.host = here.host;
  // A port that is the protocol's own is left out of `host`, and would stay.
  address.port = here.port;
  return address.href;
}
