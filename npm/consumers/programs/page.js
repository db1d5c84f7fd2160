// What a page does with a client; each way to load it comes to this.
export async function show(createClient, options) {
  const connection = new URL(location.href).searchParams.get('connection');
  const client = createClient(connection, { context: { targetingKey: 'user-1', country: 'US' }, ...options });
  const write = () => (document.body.textContent = `${client.string('banner-text', 'default')} ${client.boolean('new-checkout', false)}`);
  await client.ready();
  client.on('change', write);
  write();
  window.client = client;
}
