// What an admin and a team do around their flags: copying between environments, layers, people, tokens, webhooks, the past. As the owner, as
// an editor, and as a viewer, who is offered nothing that they may not do.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { eventually } from '../../../end-to-end/support/programs.mjs';
import { journeys } from '../support/journeys.mjs';
import { EDITOR, OWNER, PASSWORD, PROJECT, PUBLISHER, VIEWER } from '../support/pennon.mjs';
import { startReceiver } from '../support/receiver.mjs';

const receiver = await startReceiver();
after(() => receiver.end());

// The receiver is on this computer, which webhooks do not reach unless they are told to.
const world = journeys({ env: { PENNON_WEBHOOK_NETWORKS: '127.0.0.0/8' } });
const { journey } = world;
const development = `${PROJECT}/environments/development`;
const production = `${PROJECT}/environments/production`;

/** The confirming button of the dialog that is open. */
const confirm = (page, name) => page.getByRole('dialog').getByRole('button', { name, exact: true });

journey('copying a flag to production shows before what it changes', { as: PUBLISHER, from: '/projects/default/compare?from=development&to=production' }, async (page) => {
  const { pennon } = world;
  await pennon.ask('PATCH', `${development}/flags/banner-text`, { fallthrough: { variant: 'testers' } }, { ...pennon.bearer(), 'if-match': '*' });
  await pennon.ask('PATCH', `${development}/flags/order-limit`, { enabled: false }, { ...pennon.bearer(), 'if-match': '*' });
  const row = page.getByRole('listitem').filter({ hasText: 'banner-text' }).first();
  await row.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Copy 1 to Production' }).click();
  const dialog = page.getByRole('dialog', { name: 'Copy from Development to Production' });
  await dialog.getByText('1 flag changes in Production, which is protected').waitFor();
  await dialog.getByText('testers').first().waitFor();
  assert.notDeepEqual((await pennon.configuration('banner-text')).fallthrough, { variant: 'testers' }, 'the preview writes nothing');
  const before = await pennon.configuration('order-limit');
  await dialog.getByLabel('Why (optional)').fill('As tried in development');
  await confirm(page, 'Copy to Production').click();
  await page.getByText('1 flag copied to Production').waitFor();
  assert.deepEqual((await pennon.configuration('banner-text')).fallthrough, { variant: 'testers' });
  assert.deepEqual(await pennon.configuration('order-limit'), before, 'what was not chosen stays');
  await page.goto('/projects/default/flags/banner-text?env=production&tab=history');
  await page.locator('.history > li').first().getByText('As tried in development').waitFor();
});

journey('an editor copies into development, and is not offered production', { as: EDITOR, from: '/projects/default/compare?from=development&to=production' }, async (page) => {
  await page.getByText(/difference/).first().waitFor();
  assert.equal(await page.getByRole('button', { name: /^Copy/ }).count(), 0);
  assert.equal(await page.getByRole('checkbox').count(), 0);
  await page.getByRole('button', { name: 'Swap' }).click();
  await page.getByRole('button', { name: 'Copy all to Development' }).click();
  await confirm(page, 'Copy to Development').click();
  await page.getByRole('heading', { name: 'They do the same' }).waitFor();
});

journey('a webhook: made, told of a change, its log, sent again, taken away', { as: OWNER, from: '/projects/default/webhooks' }, async (page) => {
  const { pennon } = world;
  await page.getByRole('button', { name: 'New webhook' }).first().click();
  const dialog = page.getByRole('dialog', { name: 'New webhook' });
  await dialog.getByLabel('Name').fill('Deploy log');
  await dialog.getByLabel('Address').fill(receiver.url);
  await confirm(page, 'Create webhook').click();
  const shown = page.getByRole('dialog', { name: 'Secret of Deploy log' });
  assert.match(await shown.locator('.shown code').first().innerText(), /^whsec_/);
  await confirm(page, 'I have copied it').click();

  receiver.status = 500;
  await pennon.post(`${development}/flags/new-checkout/on`);
  const told = () => receiver.received.filter(({ body }) => body.type === 'flag-configuration.turned-on');
  await eventually('the first attempt', () => told().length > 0);
  await page.getByRole('button', { name: 'Deliveries of Deploy log' }).click();
  const row = page.getByRole('row').filter({ hasText: 'flag-configuration.turned-on' });
  await row.filter({ hasText: '500' }).first().waitFor();
  receiver.status = 200;
  const before = told().length;
  await row.getByRole('button', { name: 'Send again' }).first().click();
  await eventually('the second attempt', () => told().length > before);
  const [{ headers }, again] = [told()[0], told().at(-1)];
  assert.equal(again.headers['webhook-id'], headers['webhook-id'], 'the receiver can tell that it is the same');
  await row.getByText('delivered').first().waitFor();

  await page.getByRole('button', { name: 'Edit Deploy log' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Release log');
  await confirm(page, 'Save').click();
  await page.getByRole('heading', { name: 'Release log' }).waitFor();
  await page.getByRole('button', { name: 'Delete Release log' }).click();
  await confirm(page, 'Delete').click();
  await page.getByRole('heading', { name: 'No webhook yet' }).waitFor();
  assert.deepEqual((await pennon.get(`${PROJECT}/webhooks`)).items, []);
});

test('somebody is invited, comes in, becomes a member, gets less in one environment, and goes', async () => {
  const { pennon, browser } = world;
  const [owner, guest] = [await browser.visit(pennon, { as: OWNER }), await browser.visit(pennon)];
  try {
    const { page } = owner;
    await owner.open('/projects/default/members');
    await page.getByRole('button', { name: 'Invite a person' }).click();
    await page.getByRole('dialog').getByLabel('Email').fill('gil@example.com');
    await confirm(page, 'Invite').click();
    const link = (await page.getByRole('dialog').locator('.shown code').first().innerText()).trim();
    await confirm(page, 'Done').click();

    await guest.page.goto(link);
    await guest.page.getByLabel(/password/i).first().fill(PASSWORD);
    await guest.page.keyboard.press('Enter');
    await guest.page.getByRole('heading', { name: 'No project yet' }).waitFor();

    await page.getByRole('button', { name: 'Add member' }).click();
    const adding = page.getByRole('dialog', { name: 'Add a member' });
    await adding.getByLabel('Email').fill('gil@example.com');
    await adding.getByLabel('Role').selectOption('publisher');
    await adding.getByText('Less in some environments').click();
    await adding.getByLabel('Production').selectOption('viewer');
    await confirm(page, 'Add').click();
    const row = page.getByRole('row').filter({ hasText: 'gil@example.com' });
    await row.getByText('Viewer in production').waitFor();

    await guest.page.goto('/projects/default/flags');
    await guest.page.getByRole('switch', { name: /banner-text in development/i, disabled: false }).waitFor();
    assert.ok(await guest.page.getByRole('switch', { name: /banner-text in production/i }).isDisabled());

    await row.getByRole('button', { name: 'Edit gil@example.com' }).click();
    await page.getByRole('dialog').getByLabel('Role').selectOption('viewer');
    await confirm(page, 'Save').click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { items } = await pennon.get(`${PROJECT}/members`);
    const { role, environments } = items.find(({ email }) => email === 'gil@example.com');
    assert.deepEqual([role, environments ?? {}], ['viewer', {}], 'nothing is less than a viewer');
    await row.getByRole('button', { name: 'Remove gil@example.com' }).click();
    await confirm(page, 'Remove').click();
    await row.waitFor({ state: 'detached' });
    await guest.page.goto('/projects/default/flags');
    await guest.page.getByRole('heading', { name: /Not found|Not for your role/ }).first().waitFor();
  } finally {
    await owner.end();
    await guest.end();
  }
});

journey('an API token: made, used, revoked', { as: EDITOR, from: '/projects/default/tokens' }, async (page) => {
  const { pennon } = world;
  await page.getByRole('button', { name: 'New token' }).first().click();
  await page.getByRole('dialog').getByLabel('Name').fill('pipeline');
  await page.getByRole('dialog').getByLabel('Role').selectOption('editor');
  await confirm(page, 'Create token').click();
  const token = (await page.getByRole('dialog').locator('.shown code').first().innerText()).trim();
  await confirm(page, 'I have copied it').click();
  const headers = { authorization: `Bearer ${token}` };
  await pennon.post(`${development}/flags/new-checkout/off`, undefined, headers);
  await assert.rejects(pennon.post(`${production}/flags/new-checkout/off`, undefined, headers), /403/);
  const row = page.getByRole('row').filter({ hasText: 'pipeline' });
  await row.getByRole('button', { name: 'Revoke pipeline' }).click();
  await confirm(page, 'Revoke').click();
  await row.getByText('revoked').waitFor();
  await assert.rejects(pennon.post(`${development}/flags/new-checkout/on`, undefined, headers), /401/);
});

journey('the project as it was at a change, from the log', { as: VIEWER, from: '/projects/default/audit' }, async (page) => {
  const { pennon } = world;
  await pennon.ask('PATCH', `${development}/flags/banner-text`, { enabled: true, fallthrough: { variant: 'plain' } }, { ...pennon.bearer(), 'if-match': '*' });
  await pennon.ask('PATCH', `${development}/flags/banner-text`, { fallthrough: { variant: 'german' } }, { ...pennon.bearer(), 'if-match': '*' });
  const entry = page.getByRole('listitem').filter({ hasText: 'banner-text' }).nth(1);
  await page.reload();
  await entry.getByRole('button', { name: /^Details/ }).click();
  await entry.getByRole('link', { name: 'The project as it was then' }).click();
  await page.getByRole('heading', { level: 1, name: 'Back in time' }).waitFor();
  const was = page.getByRole('listitem').filter({ hasText: 'banner-text' }).first();
  await was.getByText('everybody else gets').waitFor();
  assert.match(await was.innerText(), /everybody else gets\s+plain/);
});

journey('what saving changes: who flips, from what to what, and why', { as: OWNER, from: '/projects/default/flags/banner-text?env=development' }, async (page, hand) => {
  const { pennon } = world;
  await pennon.ask('PATCH', `${development}/flags/banner-text`, { fallthrough: { variant: 'plain' } }, { ...pennon.bearer(), 'if-match': '*' });
  await page.getByRole('group', { name: 'What everybody else gets' }).getByRole('button', { name: 'plain', pressed: true }).waitFor();
  const who = page.getByLabel('Who');
  for (const [name, context] of [['Ada in Austria', 'targetingKey = ada\ncountry = AT'], ['Bob in Brazil', 'targetingKey = bob\ncountry = BR']]) {
    await who.fill(context);
    await page.getByLabel('Name to keep this context by').fill(name);
    await page.getByRole('button', { name: 'Keep', exact: true }).click();
  }
  await page.getByRole('button', { name: 'Edit german-speaking' }).click();
  await hand.type(page.getByLabel('In words'), 'country = BR: serve testers');
  const flips = page.getByRole('list', { name: 'Who flips' });
  const [ada, bob] = [flips.locator('.flip').filter({ hasText: 'Ada in Austria' }), flips.locator('.flip').filter({ hasText: 'Bob in Brazil' })];
  // While it is typed the rule serves what it did.
  await bob.filter({ hasText: 'testers' }).waitFor();
  assert.match((await ada.innerText()).replaceAll(/\s+/g, ' '), /now german .*by the rule 1 then plain .*no rule matches/);
  assert.match((await bob.innerText()).replaceAll(/\s+/g, ' '), /now plain .*no rule matches then testers .*by the rule 1/);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved: banner-text').waitFor();
  // What was foretold is what is served.
  const key = pennon.credentials.environments.find(({ key }) => key === 'development').sdkKeys.server;
  const served = (context) => pennon.post('/ofrep/v1/evaluate/flags/banner-text', { context }, { authorization: `Bearer ${key}` });
  await eventually('the change to be served', async () => (await served({ targetingKey: 'bob', country: 'BR' })).variant === 'testers');
});

journey('a layer: made, a slot of it taken, moved, refused to go while used, gone', { as: OWNER, from: '/projects/default/layers' }, async (page) => {
  const { pennon } = world;
  await page.getByRole('button', { name: 'New layer' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('Home page');
  await confirm(page, 'Create layer').click();
  const card = page.getByRole('article', { name: 'home-page' });
  await card.getByText('No rule takes a slot of it yet').waitFor();

  await page.goto('/projects/default/flags/banner-text?env=development');
  await page.getByRole('button', { name: 'Edit testers' }).click();
  await page.getByText('Layer', { exact: true }).click();
  await page.getByLabel('Layer', { exact: true }).selectOption('home-page');
  await page.getByLabel('Slot to').fill('40');
  await page.getByRole('article', { name: 'Rule 2', exact: true }).getByText('if in 0 % to 40 % of the layer').waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved: banner-text').waitFor();
  const slot = async () => (await pennon.configuration('banner-text', 'development')).rules.find(({ id }) => id === 'testers').layer;
  assert.deepEqual(await slot(), { layer: 'home-page', from: 0, to: 40_000 });

  await page.goto('/projects/default/layers');
  await card.getByText('60 % free').waitFor();
  await card.getByRole('button', { name: /^Change the slot of banner-text/ }).click();
  await page.getByRole('dialog').getByLabel('Slot from').fill('50');
  await page.getByRole('dialog').getByLabel('Slot to').fill('75');
  await confirm(page, 'Save to Development').click();
  await card.getByText('50 % to 75 %').waitFor();
  assert.deepEqual(await slot(), { layer: 'home-page', from: 50_000, to: 75_000 });

  await page.getByRole('button', { name: 'Delete home-page' }).click();
  await page.getByRole('dialog', { name: 'home-page is still used' }).getByText('banner-text in development').waitFor();
  await confirm(page, 'Close').last().click();
  await pennon.post(`${development}/flags/banner-text/operations`, { operations: [{ op: 'removeRule', id: 'testers' }] });
  await card.getByText('No rule takes a slot of it yet').waitFor();
  await page.getByRole('button', { name: 'Delete home-page' }).click();
  await confirm(page, 'Delete').click();
  await page.getByRole('heading', { name: 'No layer yet' }).waitFor();
});

journey('a holdout: made, named by a flag, another share, refused to go while used', { as: OWNER, from: '/projects/default/layers' }, async (page) => {
  const { pennon } = world;
  await page.getByRole('button', { name: 'New holdout' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('2027');
  await page.getByRole('dialog').getByLabel('Share that is held out').fill('2.5');
  await confirm(page, 'Create holdout').click();
  await page.getByRole('article', { name: '2027' }).getByText('2.5 % of all are held out').waitFor();
  await page.goto('/projects/default/flags/banner-text?env=development');
  await page.getByRole('combobox', { name: 'Holdout', exact: true }).selectOption('2027');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved: banner-text').waitFor();
  const before = (await pennon.get(`${PROJECT}/holdouts/2027`)).definition;
  await page.goto('/projects/default/layers');
  await page.getByRole('article', { name: '2027' }).getByText('held out people get').waitFor();
  await page.getByRole('button', { name: 'Edit 2027' }).click();
  await page.getByRole('dialog').getByLabel('Share that is held out').fill('5');
  await confirm(page, 'Save').click();
  await page.getByRole('article', { name: '2027' }).getByText(/(?<!2\.)5 % of all are held out/).waitFor();
  assert.deepEqual((await pennon.get(`${PROJECT}/holdouts/2027`)).definition, { ...before, weight: 5_000 }, 'the salt stays: nobody changes buckets');
  await page.getByRole('button', { name: 'Delete 2027' }).click();
  await page.getByRole('dialog', { name: '2027 is still used' }).waitFor();
});

journey('metadata as fields: a text, a number, a truth', { as: OWNER, from: '/projects/default/flags/order-limit?env=development' }, async (page) => {
  const { pennon } = world;
  const fields = [['team', 'string', 'checkout'], ['tier', 'number', '2'], ['audited', 'boolean', 'true']];
  for (const [index, [name, type, value]] of fields.entries()) {
    await page.getByRole('button', { name: 'Metadata', exact: true }).click();
    await page.getByLabel(`Name of metadata ${index + 1}`).fill(name);
    await page.getByLabel(`Type of metadata ${index + 1}`).selectOption(type);
    if (type === 'boolean') await page.getByLabel(`Value of metadata ${index + 1}`).selectOption(value);
    else await page.getByLabel(`Value of metadata ${index + 1}`).fill(value);
  }
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved: order-limit').waitFor();
  assert.deepEqual((await pennon.configuration('order-limit', 'development')).metadata, { team: 'checkout', tier: 2, audited: true });
  await page.getByRole('button', { name: 'Remove metadata tier' }).click();
  await page.getByText('removes the metadata tier').first().waitFor();
});

journey('rules in another order, by dragging', { as: OWNER, from: '/projects/default/flags/banner-text?env=production' }, async (page) => {
  const { pennon } = world;
  const order = async () => (await pennon.configuration('banner-text')).rules.map(({ id }) => id);
  const before = await order();
  assert.ok(before.length > 1);
  await page.getByRole('button', { name: `Move ${before[1]},` }).dragTo(page.getByRole('article', { name: 'Rule 1', exact: true }));
  await page.getByText(`${before[1]} is now rule 1 of`).waitFor();
  await page.getByText('changes the order of the rules').first().waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await confirm(page, 'Save to Production').click();
  await eventually('the other order', async () => (await order()).join() === [before[1], before[0], ...before.slice(2)].join());
});

journey('a ramp from its editor, with its curve', { as: EDITOR, from: '/projects/default/flags/new-checkout?env=development' }, async (page) => {
  const { pennon } = world;
  const otherwise = page.getByRole('region', { name: 'Otherwise' });
  await otherwise.getByRole('button', { name: 'Gradual ramp' }).click();
  await otherwise.getByRole('group', { name: 'Length, from now' }).getByRole('button', { name: '1 week' }).click();
  await otherwise.getByRole('button', { name: 'Step', exact: true }).click();
  await otherwise.getByLabel('Step 2: percentage of on').fill('40');
  await otherwise.getByLabel('Step 3: percentage of on').fill('100');
  assert.match(await otherwise.getByRole('img').first().getAttribute('aria-label'), /40 % on, 60 % off.*100 % on/);
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Saved: new-checkout').waitFor();
  const { ramp } = (await pennon.configuration('new-checkout', 'development')).fallthrough;
  assert.deepEqual(ramp.steps.map(({ weights }) => weights[ramp.variants.indexOf('on')]), [0, 40_000, 100_000]);
  assert.equal(ramp.steps[1].at - ramp.steps[0].at, 7 * 86_400_000);
});

journey('what the analysis finds stands beside the rule that it is about, as one types', { as: EDITOR, from: '/projects/default/flags/new-checkout?env=development' }, async (page) => {
  await page.getByRole('button', { name: 'Add rule' }).click();
  await page.getByLabel('In words').fill('country = US and country = DE: serve on');
  await page.getByRole('article', { name: 'Rule 1', exact: true }).getByRole('list', { name: 'Findings' }).getByText(/never|no context/i).waitFor();
  await page.getByLabel('In words').fill('country = US: serve on');
  await page.getByRole('article', { name: 'Rule 1', exact: true }).getByRole('list', { name: 'Findings' }).waitFor({ state: 'detached' });
  await page.getByLabel('In words').fill('country = US: serve nothing-of-this-name');
  await page.getByText('there is no variant “nothing-of-this-name”').waitFor();
});

journey('a value as JSON, and the version that delivery tells of', { as: OWNER, from: '/projects/default/flags?create=true' }, async (page) => {
  const { pennon } = world;
  await page.getByRole('dialog').getByLabel('Name').fill('Theme');
  await page.getByRole('dialog').getByText('JSON', { exact: true }).click();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Theme' }).waitFor();
  await page.getByRole('link', { name: 'Variants and details' }).click();
  const value = page.getByLabel('Value of new');
  await value.fill('{"colour": ');
  await page.getByText(/JSON/).last().waitFor();
  await value.fill('{"colour": "red", "sizes": [1, 2]}');
  await page.getByRole('button', { name: 'Save details' }).click();
  await page.getByText('Saved').first().waitFor();
  assert.deepEqual((await pennon.get(`${PROJECT}/flags/theme`)).definition.variants.find(({ key }) => key === 'new').value, { colour: 'red', sizes: [1, 2] });
  await page.goto('/projects/default/delivery');
  const { revision } = await pennon.get(`${development}/delivery`);
  await page.getByRole('region', { name: 'Development', exact: true }).getByText(`version ${revision} of ${revision}`).waitFor();
});

/** What changes something, on any page. */
const CHANGES = /^(New|Add|Edit|Delete|Remove|Revoke|Archive|Restore|Rename|Save|Create|Invite|Copy (all|\d)|Change the slot|Roll back|Declare|Take|Turn|Publish|Send again|Make)\b/;
const READ_BY_ALL = ['flags', 'flags/banner-text', 'flags/banner-text?tab=history', 'flags/banner-text?tab=details', 'preview', 'segments', 'segments/testers', 'attributes', 'layers', 'environments', 'compare', 'keys', 'delivery', 'audit', 'past', 'members', 'webhooks'];

for (const address of READ_BY_ALL) {
  journey(`a viewer is offered no change on ${address}`, { as: VIEWER, from: `/projects/default/${address}` }, async (page) => {
    const names = await page.getByRole('main').getByRole('button').evaluateAll((buttons) => buttons.map((button) => (button.getAttribute('aria-label') ?? button.textContent).trim()));
    assert.deepEqual(names.filter((name) => CHANGES.test(name)), []);
    for (const one of await page.getByRole('switch').all()) assert.ok(await one.isDisabled());
  });
}

journey('an editor is told why webhooks are not theirs, and is offered no members', { as: EDITOR, from: '/projects/default/webhooks' }, async (page) => {
  await page.getByText('Admins of the project see and change its webhooks').waitFor();
  await page.goto('/projects/default/members');
  await page.getByRole('table').waitFor();
  assert.equal(await page.getByRole('button', { name: /^(Add|Edit|Remove|Invite)/ }).count(), 0);
});
