// What the journeys of one file share: the program, the browser, and the table of what they took.
import { after, before, test } from 'node:test';

import { Browser } from './browser.mjs';
import { Hand, Table } from './hand.mjs';
import { Pennon } from './pennon.mjs';

/** @param {Parameters<typeof Pennon.start>[0]} [options] */
export function journeys(options) {
  const world = { table: new Table(), journey };
  before(async () => {
    [world.pennon, world.browser] = await Promise.all([Pennon.start(options), Browser.start()]);
  });
  after(async () => {
    await world.browser?.end();
    await world.pennon?.end();
  });

  /** Somebody's journey: what is done in the page by a hand that counts. With `most` it is in the table, and bounded. */
  function journey(name, { as, from, most, elsewhere }, walk) {
    test(name, async () => {
      const visit = await world.browser.visit(world.pennon, { as });
      try {
        const hand = new Hand(visit.page);
        await visit.open(from);
        await walk(visit.page, hand, visit);
        if (most) world.table.add(name, hand, most, elsewhere);
      } finally {
        await visit.end();
      }
    });
  }
  return world;
}
