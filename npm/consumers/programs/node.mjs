import { createClient } from 'pennon';

const client = createClient(process.argv[2]);
await client.ready();
const context = { targetingKey: 'user-1', country: 'US' };
console.log(client.string('banner-text', 'default', context), client.boolean('new-checkout', false, context));
client.close();
