// What every page has to be, whoever looks at it: without a finding of axe, no wider than the screen, and kept as a picture.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import axe from 'axe-core';

import { top } from '../../../end-to-end/support/programs.mjs';

/** Where pictures go, one folder for each width and theme. */
const PICTURES = join(top, 'target', 'dashboard');

/** axe's rules for WCAG 2.2 A and AA, and its best practices. */
export async function accessible(page, where) {
  // By the debugger, not as a script of the page, whose policy allows none but its own.
  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  assert.ok(passes.length > 5, `${where}: axe looked at ${passes.length} rules alone`);
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.slice(0, 3).map(({ html, failureSummary }) => `${html}\n      ${failureSummary.replaceAll('\n', '\n      ')}`).join('\n    ')}`);
  assert.deepEqual(told, [], `${where} is not accessible:\n  ${told.join('\n  ')}`);
}

/** Nothing sticks out: the page scrolls up and down alone. */
export async function fits(page, where) {
  const { wide, width, widest } = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const all = [...document.querySelectorAll('body *')].filter((element) => element.getBoundingClientRect().right > width + 1);
    const shown = all.filter((element) => !element.closest('.scroll-x, pre'));
    return { wide: document.documentElement.scrollWidth, width, widest: shown.slice(0, 3).map((element) => element.outerHTML.slice(0, 160)) };
  });
  assert.ok(wide <= width, `${where} is ${wide} pixels wide on a screen of ${width}: ${widest.join('\n')}`);
}

/** Nothing moves on the screen of whoever asked their system for that. */
export async function still(page, where) {
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll('body, body *')]
      .filter((element) => {
        const { transitionDuration, animationName } = getComputedStyle(element);
        return animationName !== 'none' || transitionDuration.split(',').some((time) => Number.parseFloat(time) > 0);
      })
      .slice(0, 3)
      .map((element) => element.outerHTML.slice(0, 160)),
  );
  assert.deepEqual(moving, [], `${where} moves`);
}

export async function picture(page, folder, name) {
  await mkdir(join(PICTURES, folder), { recursive: true });
  await page.screenshot({ path: join(PICTURES, folder, `${name}.png`) });
}
