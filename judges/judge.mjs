/**
 * Compares imported configurations with the vendors' own engines over random worlds.
 *
 *   node judge.mjs PROGRAM [VENDOR] [--evaluations N] [--seed N] [--show N]
 *
 * PROGRAM is the example `judge` of pennon-core. Every answer agrees, or belongs to a flag that the importer refused by name.
 */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { Pennon } from './pennon.mjs';
import { Random } from './random.mjs';

/** So many kinds of refusals are reported. */
const LONGEST_LIST = 25;

export const VENDORS = ['launchdarkly', 'growthbook', 'unleash', 'flagd'];

/** `{ evaluations, worlds, agreed, refused, wrong: [...], reasons }` after at least this many evaluations, from this seed on. */
export async function compare(vendor, program, { evaluations, seed, show = 20 }) {
  const { world, judge, agrees, asOurs } = await import(`./${vendor}.mjs`);
  const pennon = new Pennon(program, vendor);
  const found = { evaluations: 0, worlds: 0, agreed: 0, refused: 0, flags: 0, refusedFlags: 0, wrong: 0, declined: 0, differences: [], reasons: new Map() };
  while (found.evaluations < evaluations) {
    const worldSeed = seed + found.worlds;
    const made = world(new Random(worldSeed));
    const names = made.flags ?? Object.keys(made.payload.flags);
    const questions = names.flatMap((flag) => made.contexts.map((context) => ({ flag, context: asOurs(context), now: made.now ?? 0 })));
    const [answers, ours] = await Promise.all([judge(made), pennon.ask(made.payload, questions)]);
    found.worlds += 1;
    found.flags += names.length;
    for (const [flag, reason] of Object.entries(ours.refused)) {
      found.refusedFlags += 1;
      const general = reason.replace(/`[^`]*`|-?\d+/g, '*').slice(0, 160);
      found.reasons.set(general, [...(found.reasons.get(general) ?? []), `${worldSeed}/${flag}: ${reason}`]);
    }
    questions.forEach((question, at) => {
      found.evaluations += 1;
      if (Object.hasOwn(ours.refused, question.flag)) {
        found.refused += 1;
        return;
      }
      if (agrees(answers[at], ours.outcomes[at])) {
        found.agreed += 1;
        return;
      }
      if (made.declined?.(question, ours.outcomes[at], answers[at])) {
        found.declined += 1;
        return;
      }
      found.wrong += 1;
      if (found.differences.length < show && found.differences.at(-1)?.place !== `${worldSeed}/${question.flag}`) {
        found.differences.push({ place: `${worldSeed}/${question.flag}`, theirs: answers[at], ours: ours.outcomes[at], context: question.context, ...made.describe(question.flag) });
      }
    });
  }
  pennon.close();
  return found;
}

export function report(vendor, found) {
  const lines = [`${vendor}: ${found.evaluations} evaluations in ${found.worlds} worlds: ${found.agreed} agree, ${found.wrong} differ, ${found.refused} of flags that were refused (${found.refusedFlags} of ${found.flags} flags), ${found.declined} not compared: declined when evaluated, or drawn at random by the vendor`];
  for (const [reason, places] of [...found.reasons].sort(([, left], [, right]) => right.length - left.length).slice(0, LONGEST_LIST)) {
    lines.push(`  refused ${String(places.length).padStart(5)}  ${reason}`);
  }
  for (const difference of found.differences) lines.push(`  differs ${JSON.stringify(difference)}`);
  return lines.join('\n');
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { evaluations: { type: 'string', default: '200000' }, seed: { type: 'string', default: '1' }, show: { type: 'string', default: '10' } },
  });
  const [program, ...vendors] = positionals;
  const unknown = vendors.find((vendor) => !VENDORS.includes(vendor));
  if (!program || unknown) {
    console.error(`usage: node judge.mjs PROGRAM [${VENDORS.join('|')}] [--evaluations N] [--seed N] [--show N]`);
    process.exit(2);
  }
  for (const vendor of vendors.length > 0 ? vendors : VENDORS) {
    const found = await compare(vendor, program, { evaluations: Number(values.evaluations), seed: Number(values.seed), show: Number(values.show) });
    console.log(report(vendor, found));
    if (found.wrong > 0 || found.agreed === 0) process.exitCode = 1;
  }
}
