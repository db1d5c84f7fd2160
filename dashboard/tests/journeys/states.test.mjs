// Every page when the server does not answer, answers late, or fails: it is said, nothing is blank, and trying again shows the page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Browser } from '../support/browser.mjs';
import { accessible } from '../support/look.mjs';
import { OWNER, Pennon } from '../support/pennon.mjs';
import { PAGES } from '../support/pages.mjs';
import { fillWithUsual } from '../support/usual.mjs';

/** The pages of a project that read something of it, without what is pressed on them first. */
const READING = PAGES.filter(({ path, prepare, name }) => path.startsWith('/projects/default/') && !prepare && !['account', 'no-such-page', 'no-such-flag'].includes(name));
/** What they read; the stream of changes is no part of it. */
const READ = /\/admin\/projects\/default\/(?!events)/;

let pennon;
let browser;
let owner;
before(async () => {
  [pennon, browser] = await Promise.all([Pennon.start(), Browser.start()]);
  await fillWithUsual(pennon);
  const visit = await browser.visit(pennon, { as: OWNER });
  owner = await visit.context.storageState();
  await visit.end();
});
after(async () => {
  await browser?.end();
  await pennon?.end();
});

/** Several pages at once: each waits for its own repetitions. */
async function onEach(look) {
  const told = await Promise.allSettled(
    READING.map(async ({ name, path }) => {
      const visit = await browser.visit(pennon, { state: owner });
      try {
        await look(visit, path);
      } catch (error) {
        throw new Error(`${name}: ${error.message}`, { cause: error });
      } finally {
        await visit.end();
      }
    }),
  );
  assert.ok(told.length > 12, `${told.length} pages`);
  assert.deepEqual(told.filter(({ status }) => status === 'rejected').map(({ reason }) => reason.message), []);
}

/** The page is refused what it reads, says so in these words, and is there once it is tried again. */
async function mended({ page }, path, answer, words) {
  await page.route(READ, answer);
  await page.goto(path);
  const failed = page.getByRole('alert').filter({ hasText: words });
  await failed.first().waitFor();
  await page.unroute(READ);
  // A page may read several things; each that has failed is tried again by itself, unless it has come meanwhile.
  const triedAgain = (said) => {
    const alerts = [...document.querySelectorAll('[role="alert"]')].filter(({ textContent }) => textContent.includes(said));
    for (const alert of alerts) alert.querySelector('button').click();
    // One that is read only after another may fail later: until what the page is about is there.
    return alerts.length === 0 && document.querySelector('main h1') !== null && document.querySelector('.loading') === null;
  };
  await page.waitForFunction(triedAgain, words, { polling: 200 });
  await page.locator('main h1').first().waitFor();
}

test('a server that fails', () => onEach((visit, path) => mended(visit, path, (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'something broke' }) }), 'Something broke')));

test('a server that cannot be reached', () => onEach((visit, path) => mended(visit, path, (route) => route.abort(), 'Pennon cannot be reached')));

test('a server that takes its time: every page says that it is loading', () =>
  onEach(async ({ page }, path) => {
    let release;
    const held = new Promise((resolve) => (release = resolve));
    await page.route(READ, async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(path);
    await page.getByRole('status').filter({ hasText: 'Loading' }).first().waitFor();
    release();
    await page.waitForFunction(() => document.querySelectorAll('.loading').length === 0);
    await page.locator('main h1').first().waitFor();
    await page.unrouteAll({ behavior: 'wait' });
  }));

test('a page that failed is accessible too', async () => {
  const visit = await browser.visit(pennon, { state: owner });
  try {
    const { page } = visit;
    await page.route(READ, (route) => route.abort());
    await page.goto('/projects/default/segments');
    await page.getByRole('alert').first().waitFor();
    await accessible(page, 'a page that failed');
  } finally {
    await visit.end();
  }
});
