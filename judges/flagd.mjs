/** Random worlds of flagd, and its engine for JavaScript as their judge. */
import { FlagdCore } from '@openfeature/flagd-core';

import { json, NUMERALS, ODD_VERSIONS, SUBJECTS, VERSIONS, WORDS } from './random.mjs';

/** In ASCII, as all that is hashed: of others this engine hashes the halves of UTF-16, and flagd itself the bytes of UTF-8, as the importer does. */
const KEYS = ['u1', 'u2', 'u3', '7', '-', 'U1', 'user@example.com'];
/** Texts that are numbers to JavaScript alone (blanks around, other bases, `Infinity`) are none to the importer. */
const ONLY_IN_JAVASCRIPT = /^(\s.*|.*\s|0[xob].*|[+-]?Infinity)$/is;
const readAlike = (value) => {
  if (Array.isArray(value)) return value.map(readAlike);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, readAlike(one)]));
  if (typeof value !== 'string') return value;
  // Versions with larger parts are none to this engine.
  if (/\d{16}/.test(value)) return '7';
  return (Number.isNaN(Number(value)) || value === '' || !ONLY_IN_JAVASCRIPT.test(value) ? value : '7').replace(/[^\x00-\x7f]/gu, '_');
};
const ATTRIBUTES = ['email', 'age', 'version', 'tags', 'country', 'beta', 'mixed', 'org'];
const PATHS = [...ATTRIBUTES, 'targetingKey', 'org.tier', 'org.deep.x', 'missing', 'missing.x'];
const NAMES = ['on', 'off', 'a', 'b', '1', 'true'];
const DEFAULT = '(default)';

const scalar = (random) =>
  random.of(
    () => random.pick(WORDS),
    () => random.pick([0, 1, -1, 2, 5, 18, 1.5, 99.9, 1e6]),
    () => random.pick(NUMERALS),
    () => random.percent(50),
    () => random.pick(VERSIONS),
    () => random.pick(SUBJECTS),
    () => random.pick(['a', 'b', 'pro', 'US', 'DE', '18', 18, 5]),
  );

const attribute = (random) => ({ var: random.pick(PATHS) });

const operand = (random) => (random.percent(97) ? (random.percent(85) ? scalar(random) : null) : { var: '$flagd.flagKey' });

const comparison = (random) => {
  const operator = random.pick(['==', '!=', '===', '!==', '<', '<=', '>', '>=']);
  const sides = [attribute(random), operand(random)];
  if (random.percent(15)) sides.reverse();
  if (random.percent(4)) sides[1] = { var: '$flagd.timestamp' };
  return { [operator]: sides };
};

const condition = (random, depth = 2) => {
  switch (random.below(depth > 0 ? 12 : 8)) {
    case 0:
    case 1:
    case 2:
      return comparison(random);
    case 3:
      return { in: random.percent(60) ? [attribute(random), [operand(random), ...random.list(3, () => operand(random))]] : [scalar(random), attribute(random)] };
    case 4:
      return { [random.pick(['starts_with', 'ends_with'])]: [attribute(random), random.pick([...SUBJECTS, 'us', '@example.com'])] };
    case 5:
      return { sem_ver: [{ var: random.percent(75) ? 'version' : random.pick(PATHS) }, random.pick(['=', '!=', '<', '<=', '>', '>=', '^', '~']), random.pick(random.percent(90) ? VERSIONS : ODD_VERSIONS)] };
    case 6:
      return random.percent(50) ? attribute(random) : comparison(random);
    case 7:
      return { in: [random.pick(['a', 'pro', '@', '.com', 'US']), attribute(random)] };
    case 8:
      return { and: [condition(random, depth - 1), condition(random, depth - 1)] };
    case 9:
      return { or: [condition(random, depth - 1), condition(random, depth - 1)] };
    case 10:
      return { '!': [condition(random, depth - 1)] };
    default:
      return { $ref: random.pick(['shared', 'other']) };
  }
};

const fractional = (random, names) => {
  const parts = [random.pick(names), ...random.list(3, () => random.pick(names))].map((name) => (random.percent(85) ? [name, random.pick([0, 1, 10, 25, 50, 50, 99, random.below(1000)])] : [name]));
  const by = random.of(() => [], () => [{ cat: [{ var: '$flagd.flagKey' }, { var: random.pick(['targetingKey', 'email', 'country']) }] }], () => [{ var: random.pick(['targetingKey', 'email', 'country', 'age']) }]);
  return { fractional: [...by, ...parts] };
};

const result = (random, names, depth) => {
  if (depth > 0 && random.percent(20)) return choice(random, names, depth - 1);
  if (random.percent(25)) return fractional(random, names);
  return random.percent(94) ? random.pick(names) : random.pick([null, 'no-variant', true, 1]);
};

const choice = (random, names, depth = 1) => {
  const made = [condition(random), result(random, names, depth)];
  if (random.percent(30)) made.push(condition(random), result(random, names, depth));
  if (random.percent(80)) made.push(result(random, names, depth));
  return { if: made };
};

const VALUES = [(at) => [true, false][at % 2], (at) => `value ${at}`, (at) => at * 1.5, (at) => ({ at })];

const flag = (random) => {
  const value = random.pick(VALUES);
  const names = NAMES.slice(random.below(3)).slice(0, 2 + random.below(3));
  const made = { state: random.percent(92) ? 'ENABLED' : 'DISABLED', variants: Object.fromEntries(names.map((name, at) => [name, value(at)])) };
  if (random.percent(90)) made.defaultVariant = random.pick(names);
  if (random.percent(85)) made.targeting = random.percent(15) ? fractional(random, names) : random.percent(96) ? choice(random, names) : random.pick([{ unknown: [1] }, {}, { if: [{ unknown: [] }, names[0]] }]);
  return made;
};

const anything = (random) => random.of(() => scalar(random), () => scalar(random), () => random.list(3, () => scalar(random)), () => ({ tier: scalar(random), deep: { x: scalar(random) } }), () => null);

const context = (random) => {
  const usual = {
    email: () => random.pick(SUBJECTS),
    age: () => random.pick([0, 5, 18, 17, 1.5, '18', '5', true, -1]),
    version: () => random.pick(random.percent(80) ? VERSIONS : ODD_VERSIONS.filter((one) => !/\d{16}/.test(one))),
    tags: () => random.list(3, () => random.pick(['a', 'pro', 1, true])),
    country: () => random.pick(['US', 'DE', 'us']),
    beta: () => random.percent(50),
    mixed: () => anything(random),
    org: () => ({ tier: scalar(random), deep: { x: scalar(random) } }),
  };
  const made = {};
  if (random.percent(90)) made.targetingKey = random.pick(KEYS);
  for (const [name, make] of Object.entries(usual)) if (random.percent(80)) made[name] = random.percent(90) ? make() : anything(random);
  return made;
};

const asOurs = (context) => context;

export const world = (random) => {
  const flags = {};
  for (let at = 0; at < 12; at += 1) flags[`f${at}`] = flag(random);
  const payload = json({ flags, $evaluators: { shared: comparison(random), other: condition(random, 0) } });
  const contexts = Array.from({ length: 12 }, () => {
    const made = readAlike(json(context(random)));
    // A path through 0 or false is that value to the engine, and missing to everybody else.
    if (!made.org) delete made.org;
    return made;
  });
  const describe = (flag) => ({ flag: payload.flags[flag], evaluators: payload.$evaluators });
  // The text of a list or of a fraction is not hashed here: the caller's default, and an error.
  const declined = ({ context }, outcome) => outcome.reason === 'ERROR' && Object.values(context).some((one) => (typeof one === 'object' && one !== null) || (typeof one === 'number' && !Number.isInteger(one)));
  return { payload, contexts, now: Date.now(), describe, declined };
};

export { asOurs };

/** Asks flagd's engine each flag for each context. */
export const judge = async ({ payload, contexts }) => {
  const silent = { error() {}, warn() {}, info() {}, debug() {} };
  const core = new FlagdCore(undefined, silent);
  core.setConfigurations(JSON.stringify(payload));
  return Object.entries(payload.flags).flatMap(([key, { variants }]) => {
    const kind = typeof Object.values(variants)[0];
    const resolve = { boolean: 'resolveBooleanEvaluation', string: 'resolveStringEvaluation', number: 'resolveNumberEvaluation', object: 'resolveObjectEvaluation' }[kind];
    return contexts.map((one) => {
      try {
        const { value, variant, reason, errorCode } = core[resolve](key, undefined, structuredClone(one), silent);
        return { value: value ?? DEFAULT, variant: variant ?? null, reason, error: errorCode ?? null };
      } catch (error) {
        return { value: DEFAULT, variant: null, reason: 'ERROR', error: error.message };
      }
    });
  });
};

/** Whether our outcome says what flagd's answer says. */
export const agrees = (answer, outcome) => {
  const value = outcome.value === undefined ? DEFAULT : outcome.value;
  return JSON.stringify(value) === JSON.stringify(answer.value);
};
