/** Random worlds of LaunchDarkly, and its Node SDK as their judge. */
import { init, integrations } from '@launchdarkly/node-server-sdk';

import { DATES, json, NUMBERS, NUMERALS, ODD_DATES, ODD_VERSIONS, PATTERNS, SUBJECTS, VERSIONS, WORDS } from './random.mjs';

const KINDS = ['org', 'device', 'team-1'];
const KEYS = ['u1', 'u2', 'u3', 'userKeyA', 'ключ', '5', ' ', 'a/b'];
const ATTRIBUTES = ['email', 'age', 'version', 'date', 'tags', 'nested', 'beta', 'a/b', 'm~n', 'name', '', '/slash', 'mixed'];
const REFERENCES = [
  ...['email', 'age', 'version', 'date', 'tags', 'nested', 'beta', 'mixed', 'name', 'key', 'anonymous', 'kind', 'missing'],
  ...['/email', '/age', '/nested/x', '/nested/deep/y', '/nested/list', '/a~1b', '/m~0n', 'a/b', 'm~n', '/key', '/kind', '/anonymous', '/missing/x', '/tags/0', '/email/length', '/key/x', '/anonymous/x', '/slash'],
];
const BAD_REFERENCES = ['', '/', '//', '//x', '/a//b', 'a//b', '/x~2', '/x~', 'x~', '/nested/', '_meta', '/_meta/x', '/~1slash'];
const OPERATORS = ['in', 'startsWith', 'endsWith', 'contains', 'matches', 'lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual', 'before', 'after', 'semVerEqual', 'semVerLessThan', 'semVerGreaterThan'];

const reference = (random) => random.pick(random.percent(2) ? BAD_REFERENCES : REFERENCES);

const scalar = (random) =>
  random.of(
    () => random.pick(WORDS),
    () => random.pick(WORDS),
    () => random.pick(NUMBERS),
    () => random.pick(NUMERALS).trim(),
    () => random.percent(50),
    () => random.pick(VERSIONS),
    () => random.pick(DATES),
    () => random.pick(SUBJECTS),
    () => random.pick(KEYS),
  );

const anything = (random, depth = 2) => {
  const kind = random.below(depth > 0 ? 12 : 9);
  if (kind === 8) return null;
  if (kind === 9 || kind === 10) return random.list(3, () => anything(random, depth - 1));
  if (kind === 11) return object(random, depth - 1);
  return scalar(random);
};

const object = (random, depth) => {
  const made = {};
  for (const name of ['x', 'y', 'deep', 'list', 'length', '0']) {
    if (random.percent(40)) made[name] = name === 'deep' && depth > 0 ? object(random, depth - 1) : name === 'list' ? random.list(3, () => scalar(random)) : anything(random, 0);
  }
  return made;
};

/** What an operator compares with, or is asked about: mostly of its type. */
const fitting = (random, operator) => {
  if (random.percent(12)) return anything(random, 1);
  switch (operator) {
    case 'matches':
      return random.pick(SUBJECTS);
    case 'lessThan':
    case 'lessThanOrEqual':
    case 'greaterThan':
    case 'greaterThanOrEqual':
      return random.percent(80) ? random.pick(NUMBERS) : random.pick(NUMERALS).trim();
    case 'before':
    case 'after':
      return random.of(() => random.pick(DATES), () => random.pick(DATES), () => random.pick(ODD_DATES), () => random.pick(NUMBERS), () => 1704067200000 + random.below(3) - 1, () => 1700000000000.5);
    case 'semVerEqual':
    case 'semVerLessThan':
    case 'semVerGreaterThan':
      return random.pick(random.percent(65) ? VERSIONS : ODD_VERSIONS);
    default:
      return scalar(random);
  }
};

const clause = (random, segments) => {
  if (segments.length > 0 && random.percent(15)) {
    const values = random.list(2, () => random.pick(segments));
    if (random.percent(15)) values.push('no-segment');
    return { attribute: '', op: 'segmentMatch', values, negate: random.percent(25) };
  }
  const op = random.percent(2) ? random.pick(['unknown', 'IN', '']) : random.pick(OPERATORS);
  const value = () => {
    if (op !== 'matches') {
      const made = fitting(random, op);
      // Constants beyond 2^53 are refused, lists and objects too.
      return (hasLargeInteger(made) || (typeof made === 'object' && made !== null)) && random.percent(90) ? 7 : made;
    }
    return random.percent(95) ? random.pick(PATTERNS) : scalar(random);
  };
  const values = random.percent(3) ? [] : [value(), ...random.list(2, value)];
  const usual = { matches: 'email', before: 'date', after: 'date', lessThan: 'age', greaterThanOrEqual: 'age' }[op] ?? (op.startsWith('semVer') ? 'version' : 'mixed');
  const made = { attribute: random.percent(50) ? usual : reference(random), op, values, negate: random.percent(25) };
  if (made.attribute === 'kind' || made.attribute === '/kind') {
    if (random.percent(85)) made.op = 'in';
    made.values = random.list(2, () => random.pick([...KINDS, 'user', 'User', 5]));
  }
  if (made.attribute === 'key' || made.attribute === '/key') made.values = random.list(2, () => random.pick([...KEYS, 5]));
  if (random.percent(60)) made.contextKind = random.pick(random.percent(50) ? ['user'] : KINDS);
  return made;
};

const weight = (random) => random.of(() => 0, () => random.below(100001), () => random.below(100001), () => 100000, () => 50000, () => 1);

const rollout = (random, variations) => {
  const parts = [{ variation: random.below(variations), weight: weight(random) }, ...random.list(3, () => ({ variation: random.below(variations), weight: weight(random) }))];
  if (random.percent(50)) {
    // Most sum to the whole.
    let left = 100000;
    for (const part of parts) {
      part.weight = Math.min(part.weight, left);
      left -= part.weight;
    }
    parts[parts.length - 1].weight += left;
  }
  if (random.percent(10)) parts.forEach((part) => { part.untracked = random.percent(50); });
  const made = { variations: parts };
  if (random.percent(40)) made.contextKind = random.pick(['user', ...KINDS]);
  if (random.percent(45)) made.bucketBy = random.percent(97) ? random.pick(REFERENCES.filter((one) => !one.endsWith('kind'))) : reference(random);
  if (random.percent(25)) made.kind = random.pick(['experiment', 'rollout']);
  if (random.percent(25)) made.seed = random.percent(5) ? 0 : random.pick([61, 1, -5, 2147483647]);
  return made;
};

const served = (random, variations) => {
  if (random.percent(1)) return random.pick([{}, { rollout: { variations: [] } }, { variation: 9 }, { variation: -1 }, { rollout: { variations: [{ variation: 9, weight: 100000 }] } }]);
  return random.percent(55) ? { variation: random.below(variations) } : { rollout: rollout(random, variations) };
};

const keys = (random) => random.list(3, () => random.pick(KEYS));

const segment = (random, key, others) => {
  const made = { key, version: 1, salt: `salt-${key}`, included: random.percent(50) ? keys(random) : [], excluded: random.percent(50) ? keys(random) : [], rules: [] };
  const target = () => ({ contextKind: random.pick(['user', ...KINDS]), values: keys(random) });
  if (random.percent(40)) made.includedContexts = random.list(2, target);
  if (random.percent(40)) made.excludedContexts = random.list(2, target);
  made.rules = random.list(3, () => {
    const rule = { id: `r${random.below(1000)}`, clauses: random.percent(10) ? [] : [clause(random, others), ...random.list(1, () => clause(random, others))] };
    if (random.percent(45)) rule.weight = weight(random);
    if (random.percent(40)) rule.bucketBy = random.percent(97) ? random.pick(REFERENCES.filter((one) => !one.endsWith('kind'))) : reference(random);
    if (random.percent(40)) rule.rolloutContextKind = random.pick(['user', ...KINDS]);
    return rule;
  });
  if (random.percent(2)) Object.assign(made, { unbounded: true, generation: 1 });
  return made;
};

const VARIATIONS = [
  () => [true, false],
  () => [false, true],
  () => [true, true],
  () => ['a', 'b', 'c'],
  () => [0, 1.5, -7, 100],
  () => [{ a: 1 }, [], 'text', 3],
  () => [null, 1, 'x'],
  () => ['only'],
];

const flag = (random, key, others, segments) => {
  const variations = random.pick(VARIATIONS)();
  const count = variations.length;
  const target = (kinds) => ({ ...(kinds ? { contextKind: random.pick(['user', ...KINDS]) } : {}), variation: random.percent(2) ? 9 : random.below(count), values: keys(random) });
  const made = {
    key,
    version: 1,
    on: random.percent(90),
    salt: `salt-${key}`,
    variations,
    targets: random.percent(30) ? random.list(2, () => target(false)) : [],
    rules: random.list(3, (_, at) => ({ id: random.percent(90) ? `rule-${at}` : 'rule-0', clauses: random.percent(5) ? [] : [clause(random, segments), ...random.list(1, () => clause(random, segments))], ...served(random, count) })),
    prerequisites: others.length > 0 && random.percent(30) ? random.list(2, () => ({ key: random.percent(95) ? random.pick(others) : 'no-flag', variation: random.below(3) })) : [],
    fallthrough: served(random, count),
  };
  if (random.percent(85)) made.offVariation = random.percent(1) ? random.pick([9, -1]) : random.below(count);
  else if (random.percent(50)) made.offVariation = null;
  if (random.percent(25)) {
    made.contextTargets = random.list(3, () => target(true));
    // As LaunchDarkly writes it: a user's keys stand in `targets`, and only their place here.
    made.contextTargets.forEach((one) => { if (one.contextKind === 'user') one.values = []; });
  }
  return made;
};

/**
 * What only the engine in JavaScript takes for a date, and what it alone takes for no version. LaunchDarkly's documentation says RFC 3339 and
 * semantic versions, and so does the importer: in a flag such constants are refused, in a context they are no dates and are versions. (It also trims versions.)
 */
const ENGINES_DIFFER = ['2024-02-30T00:00:00Z', '2023-02-29T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01T00:00:00+0100', '9007199254740993.0.0'];
const common = (random, operator) => {
  const made = fitting(random, operator);
  return ENGINES_DIFFER.includes(made) ? null : made;
};
/** The engine in JavaScript counts halves of surrogate pairs where a regular expression asks for one character. */
const ofOneUnit = (text) => text.replace(/[\u{10000}-\u{10ffff}]/gu, 'ü');

const attributes = (random) => {
  const made = {};
  for (const name of ATTRIBUTES) {
    if (random.percent(30)) continue;
    const usual = {
      name: () => random.pick(WORDS),
      age: () => fitting(random, 'lessThan'),
      version: () => common(random, 'semVerEqual'),
      date: () => common(random, 'before'),
      email: () => random.pick(SUBJECTS),
      tags: () => random.list(4, () => scalar(random)),
      nested: () => object(random, 2),
      beta: () => random.percent(50),
      mixed: () => random.list(4, () => common(random, random.pick(OPERATORS))),
    }[name];
    made[name] = name === 'name' || (usual && random.percent(80)) ? usual() : anything(random);
  }
  if (random.percent(40)) made.anonymous = random.percent(60);
  return made;
};

const context = (random) => {
  const one = (kind) => ({ key: random.pick(random.percent(80) ? KEYS : WORDS.filter((word) => word !== '')), ...attributes(random), kind });
  if (random.percent(60)) return one(random.percent(85) ? 'user' : random.pick(KINDS));
  const kinds = ['user', ...KINDS].filter(() => random.percent(55));
  if (kinds.length < 2) return one('user');
  const made = { kind: 'multi' };
  for (const kind of kinds) {
    made[kind] = one(kind);
    delete made[kind].kind;
  }
  return made;
};

/** A user context lies at the top, its key is the targeting key; other kinds are objects under their names. */
const asOurs = (context) => {
  const kinds = context.kind === 'multi' ? context : { [context.kind]: context };
  const made = {};
  for (const [kind, one] of Object.entries(kinds)) {
    if (kind === 'kind') continue;
    const { kind: _, key, ...rest } = one;
    if (kind === 'user') Object.assign(made, rest, { targetingKey: key });
    else made[kind] = { ...rest, key };
  }
  return made;
};

/** Somewhere in the value. */
const hasLargeInteger = (value) => (typeof value === 'object' && value !== null ? Object.values(value).some(hasLargeInteger) : Math.abs(value) > 2 ** 53 && typeof value === 'number');

export const world = (random) => {
  const segments = {};
  for (let at = random.below(4); at > 0; at -= 1) segments[`s${at}`] = segment(random, `s${at}`, Object.keys(segments));
  const flags = {};
  for (let at = 0; at < 12; at += 1) flags[`f${at}`] = flag(random, `f${at}`, Object.keys(flags), Object.keys(segments));
  const contexts = Array.from({ length: 12 }, () => JSON.parse(ofOneUnit(JSON.stringify(context(random)))));
  const payload = json({ flags, segments });
  const describe = (flag) => ({ flag: payload.flags[flag], segments: /segmentMatch/.test(JSON.stringify(payload.flags[flag])) ? payload.segments : undefined });
  // Whoever has an integer beyond 2^53 for a unit gets an error here, and as a prerequisite an unmet one.
  const declined = ({ flag, context }, outcome) => hasLargeInteger(context) && (outcome.errorCode === 'PARSE_ERROR' || payload.flags[flag].prerequisites.length > 0);
  return { payload, contexts, describe, declined };
};

export { asOurs };

const DEFAULT = '(default)';

/** Asks LaunchDarkly's SDK each flag for each context. */
export const judge = async ({ payload, contexts }) => {
  const data = new integrations.TestData();
  for (const one of Object.values(payload.segments)) data.usePreconfiguredSegment(one);
  for (const one of Object.values(payload.flags)) data.usePreconfiguredFlag(one);
  const silent = { error() {}, warn() {}, info() {}, debug() {} };
  const client = init('sdk-key', { updateProcessor: data.getFactory(), sendEvents: false, diagnosticOptOut: true, logger: silent });
  await client.waitForInitialization({ timeout: 5 });
  const answers = [];
  for (const key of Object.keys(payload.flags)) {
    for (const one of contexts) {
      const detail = await client.variationDetail(key, one, DEFAULT);
      answers.push({ value: detail.value, variation: detail.variationIndex ?? null, reason: detail.reason.kind, error: detail.reason.errorKind ?? null });
    }
  }
  client.close();
  return answers;
};

const REASONS = {
  OFF: ['DISABLED'],
  // One that can never be met became a fallthrough if another flag needs this one.
  PREREQUISITE_FAILED: ['DISABLED', 'STATIC'],
  TARGET_MATCH: ['TARGETING_MATCH'],
  RULE_MATCH: ['TARGETING_MATCH', 'SPLIT'],
  FALLTHROUGH: ['STATIC', 'DEFAULT', 'TARGETING_MATCH', 'SPLIT'],
  ERROR: ['ERROR'],
};

/** Whether our outcome says what LaunchDarkly's answer says. */
export const agrees = (answer, outcome) => {
  const value = outcome.value === undefined ? DEFAULT : outcome.value;
  return JSON.stringify(value) === JSON.stringify(answer.value) && REASONS[answer.reason].includes(outcome.reason);
};
