/** Random worlds of GrowthBook, and its SDK for JavaScript as their judge. */
import { GrowthBookClient } from '@growthbook/growthbook';

import { json, NUMBERS, NUMERALS, ODD_VERSIONS, PATTERNS, SUBJECTS, VERSIONS, WORDS } from './random.mjs';

const ATTRIBUTES = ['email', 'age', 'version', 'tags', 'nested', 'beta', 'mixed', 'company', 'missing'];
const PATHS = [...ATTRIBUTES, 'id', 'nested.x', 'nested.deep.y', 'nested.list', 'missing.x', 'email.x'];
const ODD_PATHS = ['tags.0', 'tags.length', 'nested.toString', '', 'a..b', '__proto__', 'targetingKey'];
const UNITS = ['u1', 'u2', 'u3', 'ключ', '1', '🚩', 'user@example.com', 'a'];
const COMPARED = ['$lt', '$lte', '$gt', '$gte'];
const VERSIONED = ['$veq', '$vne', '$vgt', '$vgte', '$vlt', '$vlte'];

const scalar = (random) =>
  random.of(
    () => random.pick(WORDS),
    () => random.pick(NUMBERS.filter((number) => Math.abs(number) < 2 ** 53)),
    () => random.pick(NUMERALS),
    () => random.percent(50),
    () => random.pick(VERSIONS),
    () => random.pick(SUBJECTS),
    () => random.pick(UNITS),
    () => random.pick(['a', 'b', 'pro', 1, 2, 5, 18]),
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
  for (const name of ['x', 'y', 'deep', 'list']) {
    if (random.percent(45)) made[name] = name === 'deep' && depth > 0 ? object(random, depth - 1) : name === 'list' ? random.list(3, () => scalar(random)) : anything(random, 0);
  }
  return made;
};

const operand = (random, operator, groups) => {
  if (COMPARED.includes(operator)) return random.of(() => random.pick([0, 1, 5, 18, 1.5, -1]), () => random.pick(NUMERALS), () => random.pick(WORDS), () => random.percent(50), () => null);
  if (VERSIONED.includes(operator)) return random.percent(70) ? random.pick(VERSIONS) : random.of(() => random.pick(ODD_VERSIONS), () => random.pick([1, 2, 1.5, 1.1, 10]), () => null);
  switch (operator) {
    case '$eq':
    case '$ne':
      return random.percent(90) ? scalar(random) : anything(random, 1);
    case '$in':
    case '$nin':
    case '$ini':
    case '$nini':
      return random.percent(95) ? random.list(4, () => (random.percent(90) ? scalar(random) : anything(random, 1))) : scalar(random);
    case '$inGroup':
    case '$notInGroup':
      return random.pick([...groups, 'no-group']);
    case '$exists':
      return random.of(() => true, () => false, () => 1, () => 0, () => null, () => '');
    case '$size':
      return random.percent(50) ? random.below(4) : { [random.pick(['$gt', '$lt', '$eq', '$ne', '$gte', '$lte'])]: random.below(4) };
    case '$type':
      return random.pick(['string', 'number', 'boolean', 'array', 'object', 'null', 'undefined', 'list']);
    case '$regex':
    case '$regexi':
      return random.percent(97) ? random.pick(PATTERNS) : scalar(random);
    case '$all':
    case '$alli':
      return random.list(3, () => (random.percent(70) ? scalar(random) : value(random, groups, 1)));
    case '$elemMatch':
      return random.percent(60) ? { [random.pick(['$eq', '$gt', '$lt', '$in', '$regex', '$exists'])]: operand(random, '$eq', groups) } : condition(random, groups, 0);
    case '$not':
      return value(random, groups, 1);
    default:
      return scalar(random);
  }
};

const OPERATORS = [...COMPARED, ...VERSIONED, '$eq', '$ne', '$in', '$nin', '$ini', '$nini', '$inGroup', '$notInGroup', '$exists', '$size', '$type', '$regex', '$regexi', '$all', '$alli', '$elemMatch', '$not'];

/** What is asked of an attribute. */
const value = (random, groups, depth = 1) => {
  const kind = random.below(10);
  if (kind < 3) return scalar(random);
  if (kind === 3) return anything(random, 1);
  const made = {};
  for (let at = random.percent(80) ? 1 : 2; at > 0; at -= 1) {
    const operator = random.percent(1) ? '$unknown' : random.pick(depth > 0 ? OPERATORS : OPERATORS.filter((one) => one !== '$not' && one !== '$elemMatch'));
    made[operator] = operand(random, operator, groups);
  }
  return made;
};

const USUAL = { $regex: 'email', $regexi: 'email', $size: 'tags', $all: 'tags', $alli: 'tags', $elemMatch: 'tags', $gt: 'age', $lt: 'age', $lte: 'age', $gte: 'age', $veq: 'version', $vne: 'version', $vgt: 'version', $vgte: 'version', $vlt: 'version', $vlte: 'version' };

const condition = (random, groups, depth = 2) => {
  const made = {};
  for (let at = random.percent(70) ? 1 : random.below(3); at > 0; at -= 1) {
    const kind = depth > 0 ? random.below(14) : 13;
    if (kind === 0) made.$or = random.list(2, () => condition(random, groups, depth - 1));
    else if (kind === 1) made.$and = random.list(2, () => condition(random, groups, depth - 1));
    else if (kind === 2) made.$nor = random.list(2, () => condition(random, groups, depth - 1));
    else if (kind === 3) made.$not = condition(random, groups, depth - 1);
    else if (kind === 4 && random.percent(50)) made.$savedGroup = { id: random.pick([...groups, 'no-group']), ...(random.percent(30) ? { attributeKey: random.pick(PATHS) } : {}) };
    else {
      const asked = value(random, groups);
      const usual = typeof asked === 'object' && asked !== null ? USUAL[Object.keys(asked)[0]] : undefined;
      made[random.percent(2) ? random.pick(ODD_PATHS) : usual && random.percent(70) ? usual : random.pick(PATHS)] = asked;
    }
  }
  return made;
};

const fraction = (random) => random.of(() => 0, () => 1, () => 0.5, () => random.below(1001) / 1000, () => random.below(10001) / 10000, () => 0.1 + 0.2);

const ranges = (random) => {
  const ends = [fraction(random), fraction(random)].sort((left, right) => left - right);
  return random.percent(95) ? ends : [ends[1], ends[0]];
};

const VALUES = [() => true, () => false, () => 'a', () => 'b', () => 1, () => 2.5, () => ({ x: 1 }), () => [1, 2], () => null];

const rule = (random, at, feature, features, groups, pool) => {
  const made = random.percent(80) ? { id: `r${at}` } : {};
  if (random.percent(60)) made.condition = condition(random, groups);
  if (features.length > 0 && random.percent(15)) {
    made.parentConditions = [{ id: random.percent(92) ? random.pick(features) : 'no-feature', condition: { value: value(random, groups) }, ...(random.percent(40) ? { gate: true } : {}) }];
  }
  const hashing = () => {
    if (random.percent(35)) made.hashAttribute = random.pick(['id', 'company', 'age', 'email', 'missing', 'mixed']);
    if (random.percent(40)) made.hashVersion = random.pick([1, 2, 2, 3]);
    if (random.percent(40)) made.seed = random.pick(['seed', 's-2', 'ключ']);
  };
  if (random.percent(20)) {
    const filter = () => ({ seed: random.pick(['f1', 'f2']), ranges: random.list(2, () => ranges(random)), ...(random.percent(50) ? { hashVersion: random.pick([1, 2]) } : {}), ...(random.percent(30) ? { attribute: random.pick(['id', 'company']) } : {}) });
    made.filters = random.list(2, filter);
  }
  if (random.percent(55)) {
    made.force = random.pick(pool)();
    if (random.percent(50)) made.coverage = fraction(random);
    if (random.percent(15)) made.range = ranges(random);
    hashing();
    return made;
  }
  made.variations = Array.from({ length: random.percent(90) ? 2 + random.below(2) : random.below(2) }, () => random.pick(pool)());
  const count = made.variations.length;
  if (random.percent(60)) made.coverage = fraction(random);
  if (random.percent(50)) made.weights = random.percent(70) ? (count === 2 ? random.pick([[0.5, 0.5], [0.1, 0.9], [0, 1], [0.333, 0.667]]) : [0.2, 0.3, 0.5]) : random.pick([[0.5], [0.4, 0.4], [0.6, 0.6], [], [0.5, 0.5]]);
  if (random.percent(15)) made.ranges = Array.from({ length: count }, () => ranges(random));
  if (random.percent(15)) made.namespace = ['ns', ...ranges(random)];
  if (count > 1 && random.percent(15)) made.meta = Array.from({ length: count }, (_, index) => ({ key: `${index}`, ...(random.percent(30) ? { passthrough: true } : {}) }));
  if (random.percent(40)) made.key = random.pick(['exp-1', 'exp-2']);
  hashing();
  return made;
};

const attributes = (random) => {
  const usual = {
    email: () => random.pick(SUBJECTS),
    age: () => random.pick([0, 1, 5, 18, 17, 19, 1.5, -1, '18', '5', ' 5', true]),
    version: () => random.pick(random.percent(75) ? VERSIONS : ODD_VERSIONS),
    tags: () => random.list(4, () => random.pick(['a', 'b', 'pro', 1, 2, true, null, 'Pro'])),
    nested: () => object(random, 2),
    beta: () => random.percent(50),
    mixed: () => anything(random),
    company: () => random.pick(['acme', 'globex', 42, 7, 'ключ']),
  };
  const made = {};
  if (random.percent(92)) made.id = random.percent(90) ? random.pick(UNITS) : random.pick([1, 0, 42, '', -7]);
  for (const [name, make] of Object.entries(usual)) {
    if (random.percent(20)) continue;
    made[name] = random.percent(85) ? make() : anything(random);
  }
  return made;
};

/**
 * Texts that are numbers to JavaScript alone (blanks around, other bases, `Infinity`) are none to the importer, and a regular expression that
 * asks for one character gets one character, where JavaScript counts halves of surrogate pairs.
 */
const ONLY_IN_JAVASCRIPT = /^(\s.*|.*\s|0[xob].*|[+-]?Infinity)$/is;
const readAlike = (value) => {
  // A list of one list has that one's text; nobody compares it.
  if (Array.isArray(value)) return value.map(readAlike).map((one) => (Array.isArray(one) && value.length === 1 ? 'list' : one));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === 'id' ? one : readAlike(one)]));
  // As a version, a number with an exponent is none to the importer.
  if (typeof value === 'number') return /e/.test(String(value)) ? 0.5 : value;
  if (typeof value !== 'string') return value;
  return (Number.isNaN(Number(value)) || !ONLY_IN_JAVASCRIPT.test(value) ? value : '7').replace(/[\u{10000}-\u{10ffff}]/gu, 'ü');
};

const hasNumber = (value) => typeof value === 'number' || (typeof value === 'object' && value !== null && Object.values(value).some(hasNumber));
const asksNumbersByRegex = (payload, flag, context) => /\$regexi?/.test(JSON.stringify([payload.features[flag], payload.savedGroups])) && hasNumber(context);

const hasUnknownText = (value) => (typeof value === 'number' && !Number.isSafeInteger(value)) || Array.isArray(value) || (typeof value === 'object' && value !== null && Object.values(value).some(hasUnknownText));

const asOurs = ({ id, ...rest }) => (id === undefined ? rest : { ...rest, targetingKey: id });

const group = (random) =>
  random.of(
    () => random.list(4, () => scalar(random)),
    () => ({ type: 'list', attributeKey: random.pick(PATHS), values: random.list(4, () => scalar(random)) }),
    () => ({ type: 'condition', condition: condition(random, [], 1) }),
  );

export const world = (random) => {
  const savedGroups = {};
  for (let at = random.below(4); at > 0; at -= 1) savedGroups[`g${at}`] = group(random);
  const features = {};
  for (let at = 0; at < 12; at += 1) {
    const pool = random.percent(40) ? VALUES.slice(0, 2) : random.percent(50) ? VALUES.slice(2, 4) : VALUES;
    const made = { rules: random.list(3, (_, index) => rule(random, index, `f${at}`, Object.keys(features), Object.keys(savedGroups), pool)) };
    if (random.percent(95)) made.defaultValue = random.pick(pool)();
    features[`f${at}`] = made;
  }
  const payload = json({ features, savedGroups });
  const contexts = Array.from({ length: 12 }, () => readAlike(attributes(random)));
  const describe = (flag) => ({ feature: payload.features[flag], savedGroups: payload.savedGroups });
  // Lists and fractions whose text is not known when importing lead to an error, and not to an answer that nobody had; a prerequisite in error is
  // unmet, where GrowthBook goes on.
  const declined = ({ flag, context }, outcome) => (hasUnknownText(context) || (outcome.errorCode === 'PARSE_ERROR' && asksNumbersByRegex(payload, flag, context))) && (outcome.errorCode === 'PARSE_ERROR' || JSON.stringify(payload.features[flag]).includes('parentConditions'));
  return { payload, contexts, flags: Object.keys(features), describe, declined };
};

export { asOurs };

/** Asks GrowthBook's SDK each feature for each context. */
export const judge = async ({ payload, contexts, flags }) => {
  const error = console.error;
  // It logs unknown operators.
  console.error = () => {};
  try {
    const client = new GrowthBookClient({});
    client.initSync({ payload: structuredClone(payload) });
    return flags.flatMap((flag) => contexts.map((attributes) => {
      const { value, source } = client.evalFeature(flag, { attributes: structuredClone(attributes) });
      return { value: value ?? null, source };
    }));
  } finally {
    console.error = error;
  }
};

/** Whether our outcome says what GrowthBook's answer says: null is the caller's default. */
export const agrees = (answer, outcome) => outcome.reason !== 'ERROR' && JSON.stringify(outcome.value ?? null) === JSON.stringify(answer.value);
