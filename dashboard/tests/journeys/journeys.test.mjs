// What people come for, done as they do it: with a mouse and a keyboard, counted. The same journeys took Unleash as many clicks as stand
// beside them. What came of each is read from the control plane, not from the page.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

import { eventually } from '../../../end-to-end/support/programs.mjs';
import { journeys } from '../support/journeys.mjs';
import { EDITOR, OWNER, PASSWORD, PROJECT, PUBLISHER, VIEWER } from '../support/pennon.mjs';

const world = journeys();
const { journey, table } = world;

const RULE = 'country in US, CA and plan = pro: 25%';

journey(
  'from the sign-in to a flag live in production at 25 % for country in (US, CA) and plan = pro',
  { from: '/sign-in', most: { clicks: 14, typed: 6 }, elsewhere: { clicks: 29, typed: 8 } },
  async (page, hand) => {
    await hand.type(page.getByLabel('Email'), PUBLISHER);
    await hand.type(page.getByLabel('Password'), PASSWORD);
    await hand.press('Enter');
    await hand.click(page.getByRole('button', { name: 'New flag' }));
    await hand.type(page.getByRole('dialog').getByLabel('Name'), 'Quick checkout');
    await hand.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Quick checkout' }).waitFor();
    await hand.click(page.getByRole('navigation', { name: 'Environment' }).getByRole('link', { name: /production/i }));
    await hand.click(page.getByRole('switch'));
    await hand.click(page.getByRole('button', { name: 'Add rule' }));
    await hand.type(page.getByLabel('In words'), RULE);
    await hand.click(page.getByRole('group', { name: 'What everybody else gets' }).getByRole('button', { name: 'off' }));
    await hand.click(page.getByRole('button', { name: 'Save', exact: true }));
    await hand.click(page.getByRole('dialog').getByRole('button', { name: /^Save to/ }));
    await page.getByText('Saved: quick-checkout').waitFor();

    const { enabled, rules, fallthrough } = await world.pennon.configuration('quick-checkout');
    assert.deepEqual([enabled, fallthrough], [true, { variant: 'off' }]);
    assert.deepEqual(rules.map(({ when, serve }) => [when, serve.split.weights]), [[
      { all: [{ in: { attribute: 'country', values: ['US', 'CA'] } }, { in: { attribute: 'plan', values: ['pro'] } }] },
      [{ variant: 'on', weight: 25_000 }, { variant: 'off', weight: 75_000 }],
    ]]);
    // Live: a server asks for many people, and a quarter of those whom it is for have it.
    const key = world.pennon.credentials.environments.find(({ key }) => key === 'production').sdkKeys.server;
    const served = (context) => world.pennon.post('/ofrep/v1/evaluate/flags/quick-checkout', { context }, { authorization: `Bearer ${key}` });
    await eventually('the flag to be published', async () => (await served({ targetingKey: 'x', country: 'US', plan: 'pro' })).reason === 'SPLIT');
    let on = 0;
    for (let user = 0; user < 200; user += 1) on += (await served({ targetingKey: `user-${user}`, country: 'US', plan: 'pro' })).value === true ? 1 : 0;
    assert.ok(on > 25 && on < 80, `${on} of 200`);
    assert.equal((await served({ targetingKey: 'user-1', country: 'DE', plan: 'pro' })).value, false);
  },
);

journey('a flag off in production, and back', { as: PUBLISHER, from: '/projects/default/flags', most: { clicks: 3 } }, async (page, hand) => {
  const before = await world.pennon.configuration('banner-text');
  await hand.click(page.getByRole('switch', { name: /banner-text in production/i }));
  await hand.click(page.getByRole('dialog').getByRole('button', { name: /^Turn/ }));
  await eventually('the change', async () => (await world.pennon.configuration('banner-text')).enabled !== before.enabled);
  await hand.click(page.getByRole('button', { name: 'Undo' }).first());
  await eventually('the way back', async () => (await world.pennon.configuration('banner-text')).enabled === before.enabled);
});

journey('who changed it and when, in words', { as: VIEWER, from: '/projects/default/flags/order-limit?env=production', most: { clicks: 1 } }, async (page, hand) => {
  await world.pennon.ask('POST', `${PROJECT}/environments/production/flags/order-limit/off`, undefined, { ...world.pennon.bearer(), 'x-pennon-comment': 'Too%20many%20orders' });
  await hand.click(page.getByRole('link', { name: 'History' }));
  const newest = page.locator('.history > li').first();
  await newest.getByText('turned off').waitFor();
  await newest.getByText('Too many orders').waitFor();
  assert.match(await newest.innerText(), /admin.*\d|now|ago/s);
});

journey('back to an earlier version', { as: PUBLISHER, from: '/projects/default/flags/order-limit?env=production', most: { clicks: 3 } }, async (page, hand) => {
  assert.equal((await world.pennon.configuration('order-limit')).enabled, false);
  await hand.click(page.getByRole('link', { name: 'History' }));
  await hand.click(page.getByRole('button', { name: /^Roll back to this/ }).first());
  await hand.click(page.getByRole('dialog').getByRole('button', { name: 'Roll back' }));
  await eventually('the way back', async () => (await world.pennon.configuration('order-limit')).enabled);
});

journey('what one user gets in every environment, and why', { as: VIEWER, from: '/projects/default/flags', most: { clicks: 4 } }, async (page, hand) => {
  await hand.click(page.getByRole('link', { name: 'Preview' }));
  await hand.click(page.getByLabel('Who'));
  await hand.press('Control+a');
  await hand.typeHere('targetingKey = user-77\ncountry = AT');
  const row = page.getByRole('row').filter({ hasText: 'banner-text' });
  // Both environments side by side, each with the rule that decided.
  for (const environment of ['Development', 'Production']) await row.getByRole('button', { name: `Why in ${environment}: german` }).getByText('by the rule german-speaking').waitFor();
  await hand.click(row.getByRole('button', { name: /^Why in Production/ }));
  await row.getByText('country is one of: it is “AT”').waitFor();
});

journey('an SDK key and the lines to paste', { as: OWNER, from: '/projects/default/flags', most: { clicks: 4 } }, async (page, hand) => {
  await hand.click(page.getByRole('link', { name: 'SDK keys' }));
  await hand.click(page.getByRole('button', { name: /Server/ }).first());
  const shown = page.getByRole('dialog');
  await shown.waitFor();
  const connection = (await shown.locator('.shown code').first().innerText()).trim();
  assert.match(connection, /^https?:\/\/pns_[^:]+:[^@]+@127\.0\.0\.1:\d+\/[0-9a-f]{32}$/);
  await hand.click(shown.getByRole('button', { name: 'curl' }));
  const snippet = await shown.locator('.snippet pre').innerText();
  await hand.click(shown.getByRole('button', { name: 'Copy the snippet' }));
  // What is shown works as it stands.
  const answered = execFileSync('sh', ['-c', snippet], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  assert.match(answered, /"reason"/);
});

journey('an editor changes development and only looks at production', { as: EDITOR, from: '/projects/default/flags' }, async (page) => {
  const before = await world.pennon.configuration('banner-text', 'development');
  assert.ok(await page.getByRole('switch', { name: /banner-text in production/i }).isDisabled());
  await page.getByRole('switch', { name: /banner-text in development/i }).click();
  await eventually('the change', async () => (await world.pennon.configuration('banner-text', 'development')).enabled !== before.enabled);
  await page.goto('/projects/default/flags/banner-text?env=production');
  await page.getByText('does not change').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Add rule' }).count(), 0);
});

journey('a viewer reads what a flag does', { as: VIEWER, from: '/projects/default/flags/banner-text' }, async (page) => {
  await page.getByText('if country is one of DE, AT, CH').or(page.getByText(/country/).first()).first().waitFor();
  for (const name of ['Add rule', 'Archive', 'Save']) assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name);
  for (const one of await page.getByRole('switch').all()) assert.ok(await one.isDisabled());
});

journey('an environment goes when its key is typed', { as: OWNER, from: '/projects/default/environments' }, async (page, hand) => {
  await world.pennon.post(`${PROJECT}/environments`, { key: 'short-lived', name: 'Short-lived', protected: true });
  await hand.click(page.getByRole('button', { name: 'Delete Short-lived' }));
  const dialog = page.getByRole('dialog', { name: 'Delete Short-lived?' });
  const really = dialog.getByRole('button', { name: 'Delete environment' });
  await hand.type(dialog.getByLabel("The environment's key"), 'short');
  assert.ok(await really.isDisabled());
  await hand.type(dialog.getByLabel("The environment's key"), '-lived');
  await hand.press('Enter');
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Short-lived is deleted').waitFor();
  assert.equal(await page.getByRole('heading', { name: 'Short-lived' }).count(), 0);
  const left = await world.pennon.get(`${PROJECT}/environments`);
  assert.ok(!left.items.some(({ key }) => key === 'short-lived'));
});

journey('what somebody else changes shows by itself', { as: VIEWER, from: '/projects/default/flags' }, async (page) => {
  const shown = page.getByRole('switch', { name: /banner-text in development/i });
  const before = await shown.getAttribute('aria-checked');
  await world.pennon.post(`${PROJECT}/environments/development/flags/banner-text/${before === 'true' ? 'off' : 'on'}`);
  const after = before === 'true' ? 'false' : 'true';
  await page.locator(`[role=switch][aria-label*="banner-text in Development" i][aria-checked=${after}]`).or(page.getByRole('switch', { name: /banner-text in development/i, checked: after === 'true' })).first().waitFor();
});

test('by the keyboard alone: from the sign-in to a flag that is on', async () => {
  const visit = await world.browser.visit(world.pennon);
  try {
    const { page } = visit;
    await visit.open('/sign-in');
    const { keyboard } = page;
    await keyboard.type(OWNER);
    await keyboard.press('Tab');
    await keyboard.type(PASSWORD);
    await keyboard.press('Enter');
    await page.getByRole('button', { name: 'New flag' }).waitFor();
    await tabTo(page, 'New flag');
    await keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await keyboard.type('By keyboard');
    await keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'By keyboard' }).waitFor();
    await visit.settled();
    await tabTo(page, 'by-keyboard in');
    await keyboard.press('Space');
    await tabTo(page, 'Save');
    await keyboard.press('Enter');
    await eventually('the change', async () => (await world.pennon.configuration('by-keyboard', 'development')).enabled);
  } finally {
    await visit.end();
  }
});

test('by the keyboard alone: the palette, the shortcuts, and a rule in another place', async () => {
  const visit = await world.browser.visit(world.pennon, { as: OWNER });
  try {
    const { page } = visit;
    const { keyboard } = page;
    await visit.open('/projects/default/flags');
    await keyboard.press('Control+k');
    await keyboard.type('audit');
    await page.getByRole('option', { name: /Audit log/ }).waitFor();
    await keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Audit log' }).waitFor();
    await keyboard.press('?');
    await page.getByRole('dialog', { name: 'Shortcuts' }).waitFor();
    await keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await keyboard.press('g');
    await keyboard.press('f');
    await page.getByRole('heading', { level: 1, name: 'Flags' }).waitFor();
    await keyboard.press('Control+k');
    await keyboard.type('banner');
    await page.getByRole('option', { name: /banner-text/ }).waitFor();
    await keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'banner-text' }).waitFor();
    await visit.settled();
    const order = async () => (await world.pennon.configuration('banner-text', 'development')).rules.map(({ id }) => id);
    const was = await order();
    await tabTo(page, 'Move');
    await keyboard.press('ArrowDown');
    await page.getByText(/is now rule 2 of/).waitFor();
    await tabTo(page, 'Save');
    await keyboard.press('Enter');
    await eventually('the other order', async () => (await order()).join() === [was[1], was[0], ...was.slice(2)].join());
  } finally {
    await visit.end();
  }
});

/** Presses Tab until the focus is on something with this name; it must be seen there. */
async function tabTo(page, name, most = 60) {
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      const label = element.getAttribute('aria-label') ?? element.textContent ?? '';
      const { outlineStyle, boxShadow } = getComputedStyle(element);
      return { label: label.trim(), seen: outlineStyle !== 'none' || boxShadow !== 'none' };
    });
    if (!focus.label.startsWith(name)) continue;
    assert.ok(focus.seen, `the focus on ${JSON.stringify(focus.label)} cannot be seen`);
    return;
  }
  assert.fail(`Tab does not reach ${name}`);
}

test('no journey takes more than it may', () => {
  table.print();
  assert.deepEqual(table.over(), []);
});
