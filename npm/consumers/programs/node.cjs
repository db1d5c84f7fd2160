const { createClient } = require('pennon');

const client = createClient(process.argv[2]);
client.ready().then(() => {
  const context = { targetingKey: 'user-1', country: 'US' };
  console.log(client.string('banner-text', 'default', context), client.boolean('new-checkout', false, context));
  client.close();
});
