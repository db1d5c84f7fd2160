// Puts hostile texts wherever a person can write one.
import { PROJECT } from './pennon.mjs';
import { HOSTILE } from './worlds.mjs';

/** A flag whose every text is hostile: its page is the worst there is. */
export const HOSTILE_FLAG = 'hostile.flag_with-a.long-key-0123456789.0123456789.0123456789.0123456789';

export async function fillWithHostile(pennon) {
  const texts = Object.values(HOSTILE);
  for (const [number, text] of texts.entries()) {
    const definition = { type: 'boolean', name: text.slice(0, 100), description: text, owner: text.slice(0, 100), tags: [text.slice(0, 20).trim()] };
    await pennon.post(`${PROJECT}/flags`, { key: `hostile-${number}`, definition });
  }
  const variants = texts.map((text, number) => ({ key: `variant-${number}`, value: text }));
  await pennon.post(`${PROJECT}/flags`, {
    key: HOSTILE_FLAG,
    definition: { type: 'string', name: HOSTILE.markup, description: HOSTILE.rightToLeft, owner: HOSTILE.emoji, tags: [HOSTILE.template.slice(0, 60)], variants },
  });
  const environment = `${PROJECT}/environments/development`;
  await pennon.ask('PUT', `${PROJECT}/segments/hostile`, { description: HOSTILE.markup, included: texts.map((text) => text.slice(0, 60)), when: { equals: { attribute: 'plan', value: HOSTILE.attribute } } }, {
    ...pennon.bearer(),
    'if-none-match': '*',
  });
  const rules = texts.map((text, number) => ({
    id: `rule-${number}`,
    name: text.slice(0, 100),
    when: { all: [{ in: { attribute: 'country', values: [text.slice(0, 100), HOSTILE.long] } }, { segment: 'hostile' }] },
    serve: { split: { by: {}, weights: [{ variant: 'variant-0', weight: 40_000 }, { variant: `variant-${number}`, weight: 60_000 }] } },
  })).slice(1);
  await pennon.ask('PUT', `${PROJECT}/layers/${HOSTILE_FLAG.slice(0, 60)}`, { by: { unit: HOSTILE.markup.slice(0, 60) } });
  await pennon.ask('PUT', `${PROJECT}/holdouts/${HOSTILE_FLAG.slice(0, 60)}`, { weight: 1, by: { unit: HOSTILE.emoji.slice(0, 60) } });
  rules.forEach((rule, number) => (rule.layer = { layer: HOSTILE_FLAG.slice(0, 60), from: number * 10_000, to: number * 10_000 + 15_000 }));
  const metadata = Object.fromEntries(texts.map((text, number) => [`${number} ${text.slice(0, 40)}`, text]));
  const holdout = { holdout: HOSTILE_FLAG.slice(0, 60), variant: 'variant-0' };
  await pennon.ask('PATCH', `${environment}/flags/${HOSTILE_FLAG}`, { enabled: true, rules, metadata, holdout, targets: [{ variant: 'variant-1', keys: texts.map((text) => text.slice(0, 60)) }] }, {
    ...pennon.bearer(),
    'if-match': '*',
    'x-pennon-comment': encodeURIComponent(HOSTILE.markup),
  });
  await pennon.post(`${PROJECT}/webhooks`, { name: HOSTILE.markup.slice(0, 60), url: 'https://example.com/hook?x=%3Cscript%3E', events: ['*'] });
  await pennon.post(`${PROJECT}/tokens`, { name: HOSTILE.rightToLeft.slice(0, 60), role: 'viewer' });
  await pennon.post('/admin/users', { email: 'hostile@example.com', name: HOSTILE.attribute.slice(0, 60) });
  await pennon.post(`${PROJECT}/members`, { email: 'hostile@example.com', role: 'viewer' });
}
