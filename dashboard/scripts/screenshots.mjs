// The pictures of the README: the real program with the sample project, as somebody sees it who is signed in. `cargo xtask screenshots`.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { top } from '../../end-to-end/support/programs.mjs';
import { Browser } from '../tests/support/browser.mjs';
import { OWNER, Pennon } from '../tests/support/pennon.mjs';
import { fillWithUsual } from '../tests/support/usual.mjs';

const FOLDER = join(top, 'docs', 'images');
const SIZE = { width: 1440, height: 860 };
const PICTURES = [
  { name: 'dashboard-flags', path: '/projects/default/flags' },
  { name: 'dashboard-flag', path: '/projects/default/flags/quick-search' },
];

const [pennon, browser] = await Promise.all([Pennon.start(), Browser.start()]);
try {
  await fillWithUsual(pennon);
  await mkdir(FOLDER, { recursive: true });
  for (const { name, path, theme } of PICTURES) {
    const visit = await browser.visit(pennon, { as: OWNER, size: SIZE, theme });
    await visit.open(path);
    await visit.page.screenshot({ path: join(FOLDER, `${name}.png`) });
    await visit.end();
    console.log(`docs/images/${name}.png`);
  }
} finally {
  await browser.end();
  await pennon.end();
}
