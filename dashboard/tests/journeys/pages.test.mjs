// Every page, looked at: axe finds nothing, nothing sticks out, and it is kept as a picture at both widths and in both themes
// (target/dashboard). Once with the sample project, once with a project whose every text is hostile.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Browser, DESKTOP, PHONE } from '../support/browser.mjs';
import { accessible, fits, picture, still } from '../support/look.mjs';
import { OWNER, Pennon, VIEWER } from '../support/pennon.mjs';
import { fillWithHostile } from '../support/hostile.mjs';
import { PAGES } from '../support/pages.mjs';
import { fillWithUsual } from '../support/usual.mjs';

let browser;
before(async () => {
  browser = await Browser.start();
});
after(() => browser?.end());

/** Looks at a page that is open, in every size and theme. */
async function look({ page }, name, kept) {
  const shapes = [['light', DESKTOP], ['light', PHONE], ['dark', PHONE], ['dark', DESKTOP]];
  for (const [theme, size] of shapes) {
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.setViewportSize(size);
    const shape = `${size.width}-${theme}`;
    await fits(page, `${name} at ${shape}`);
    await still(page, `${name} at ${shape}`);
    if (kept) await picture(page, `${kept}-${shape}`, name);
    // Each theme has contrasts of its own, each width a layout.
    if ((theme === 'light') === (size === DESKTOP)) await accessible(page, `${name} at ${shape}`);
  }
  await page.setViewportSize(DESKTOP);
}

describe('the sample project', () => {
  let pennon;
  before(async () => {
    pennon = await Pennon.start();
    await fillWithUsual(pennon);
  });
  after(() => pennon?.end());

  for (const { name, path, as = OWNER, prepare } of PAGES) {
    test(name, async () => {
      const visit = await browser.visit(pennon, { as: as === '' ? undefined : as });
      try {
        await visit.open(path);
        await prepare?.(visit);
        await look(visit, name, 'sample');
      } finally {
        await visit.end();
      }
    });
  }

  test('a viewer is offered nothing that changes something', async () => {
    const visit = await browser.visit(pennon, { as: VIEWER });
    try {
      await visit.open('/projects/default/flags');
      const { page } = visit;
      assert.equal(await page.getByRole('button', { name: 'New flag' }).count(), 0);
      const switches = page.getByRole('switch');
      assert.ok((await switches.count()) > 0);
      for (const one of await switches.all()) assert.ok(await one.isDisabled());
    } finally {
      await visit.end();
    }
  });
});

describe('hostile texts in every field', () => {
  let pennon;
  before(async () => {
    pennon = await Pennon.start();
    await fillWithHostile(pennon);
  });
  after(() => pennon?.end());

  for (const { name, path, as = OWNER, prepare, hostile = path } of PAGES) {
    test(name, async () => {
      const visit = await browser.visit(pennon, { as: as === '' ? undefined : as });
      try {
        await visit.open(hostile);
        await prepare?.(visit);
        await look(visit, name, 'hostile');
        assert.equal(await visit.page.evaluate(() => globalThis.hostile), undefined, 'a text ran as a script');
      } finally {
        await visit.end();
      }
    });
  }
});
