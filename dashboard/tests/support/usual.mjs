// A project as it looks after some weeks of work: splits, ramps, prerequisites, windows, a history, tokens, webhooks.
import { PROJECT } from './pennon.mjs';

const DAY = 86_400_000;

export async function fillWithUsual(pennon, now = Date.now()) {
  const development = `${PROJECT}/environments/development`;
  const operate = (flag, operations, comment) => pennon.post(`${development}/flags/${flag}/operations`, { operations, comment });
  const variants = [{ key: 'on', value: true }, { key: 'off', value: false }];
  await pennon.post(`${PROJECT}/flags`, {
    key: 'quick-search',
    definition: { type: 'boolean', name: 'Quick search', description: 'Finds while one types.', owner: 'team search', tags: ['search', 'q3'], clientVisible: true, temporary: true, expectedEnd: now + 30 * DAY, variants },
  });
  const when = { all: [{ in: { attribute: 'country', values: ['US', 'CA'] } }, { equals: { attribute: 'plan', value: 'pro' } }] };
  const split = { split: { by: {}, weights: [{ variant: 'on', weight: 25_000 }, { variant: 'off', weight: 75_000 }] } };
  const ramp = { ramp: { by: {}, variants: ['on', 'off'], steps: [{ at: now - DAY, weights: [0, 100_000] }, { at: now + 3 * DAY, weights: [100_000, 0] }] } };
  const rule = (id, name, serve, more) => ({ op: 'addRule', rule: { id, name, when, serve, ...more } });
  await operate('quick-search', [{ op: 'turnOn' }, rule('pro', 'Paying customers', split, {})], 'A quarter first');
  await operate('quick-search', [rule('ramp', 'Everybody there, over four days', ramp, {}), rule('late', 'In the last week', { variant: 'on' }, { from: now + 20 * DAY, to: now + 27 * DAY })], 'Then slowly all of them');
  await pennon.ask('PATCH', `${development}/flags/quick-search`, { prerequisites: [{ flag: 'new-checkout', variants: ['on'] }], targets: [{ variant: 'on', keys: ['ada', 'eve', 'vic'] }] }, { ...pennon.bearer(), 'if-match': '*' });
  await pennon.post(`${development}/flags/banner-text/off`);
  await pennon.post(`${development}/flags/new-checkout/on`);
  for (const layer of ['home-page', 'checkout']) await pennon.ask('PUT', `${PROJECT}/layers/${layer}`, {});
  await pennon.ask('PUT', `${PROJECT}/holdouts/2027`, { weight: 2_500 });
  const slot = (id, name, from, to) => ({ op: 'addRule', rule: { id, name, when, layer: { layer: 'home-page', from, to }, serve: split } });
  await operate('quick-search', [slot('half', 'First half of the home page', 0, 50_000), { op: 'setMetadata', name: 'team', value: 'search' }, { op: 'setMetadata', name: 'tier', value: 2 }]);
  await operate('new-checkout', [slot('quarter', 'Then a quarter', 50_000, 75_000), { op: 'setHoldout', holdout: { holdout: '2027', variant: 'off' } }]);
  await pennon.post(`${PROJECT}/tokens`, { name: 'deploy', role: 'editor', expiresAt: now + 90 * DAY });
  await pennon.post(`${PROJECT}/webhooks`, { name: 'chat', url: 'https://chat.example.com/hooks/flags', events: ['flag-configuration.*'] });
}
