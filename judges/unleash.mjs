/** Random worlds of Unleash, and its SDK for Node as their judge. */
import { InMemStorageProvider, Unleash } from 'unleash-client';

import { json, NUMERALS, ODD_VERSIONS, PATTERNS, SUBJECTS, VERSIONS, WORDS } from './random.mjs';

/** What the SDK is told to be; the importer wants it in the context. */
const APP = 'app';
const ENVIRONMENT = 'production';
/** In ASCII, as all units: of others the SDK for Node hashes the halves of UTF-16, and Unleash's own engine the bytes of UTF-8, as the importer does. */
const USERS = ['u1', 'u2', 'u3', '7', '-', 'U1', 'user@example.com'];
const FIELDS = ['userId', 'sessionId', 'appName', 'environment', 'remoteAddress', 'country', 'age', 'version', 'email', 'custom', 'missing'];
const ADDRESSES = ['10.0.0.1', '10.0.1.1', '192.168.1.129', '::1', '2001:db8::1', 'host'];
const NETWORKS = ['10.0.0.0/24', '10.0.0.1', '10.0.0.0/8', '192.168.1.128/25', '0.0.0.0/0', '::1', '2001:db8::/32'];
const TIMES = ['2023-11-14T22:13:20Z', '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:21Z', '2020-01-01T00:00:00.000Z', '2030-01-01T00:00:00Z', '2023-11-14T23:13:20+01:00'];
/** The evaluation's time, given to the SDK in the context. */
const NOW = 1_700_000_000_000;

const OPERATORS = ['IN', 'NOT_IN', 'STR_ENDS_WITH', 'STR_STARTS_WITH', 'STR_CONTAINS', 'NUM_EQ', 'NUM_GT', 'NUM_GTE', 'NUM_LT', 'NUM_LTE', 'DATE_AFTER', 'DATE_BEFORE', 'SEMVER_EQ', 'SEMVER_GT', 'SEMVER_LT', 'SEMVER_GTE', 'SEMVER_LTE', 'REGEX', 'IN_CIDR'];
const plain = (random) => random.pick(['a', 'pro', 'Pro', 'PRO', 'x y', 'K', 'DE', 'us', 'US', '1', '5', 'true']);
const decimal = (random) => random.pick(['0', '1', '5', '18', '-1', '1.5', '-2.50', '1e3', '0.1', '007']);

const constraint = (random) => {
  const operator = random.percent(1) ? 'UNKNOWN' : random.pick(OPERATORS);
  const made = { operator, contextName: random.pick(FIELDS), values: [] };
  if (random.percent(30)) made.inverted = random.percent(70);
  if (random.percent(30)) made.caseInsensitive = random.percent(70);
  const usual = random.percent(75);
  if (operator.startsWith('NUM')) Object.assign(made, { value: random.percent(96) ? decimal(random) : random.pick(NUMERALS) }, usual && { contextName: 'age' });
  else if (operator.startsWith('DATE')) Object.assign(made, { value: random.pick(TIMES), contextName: 'currentTime' });
  else if (operator.startsWith('SEMVER')) Object.assign(made, { value: random.pick(random.percent(96) ? VERSIONS : ODD_VERSIONS) }, usual && { contextName: 'version' });
  else if (operator === 'REGEX') Object.assign(made, { value: random.pick(PATTERNS) }, usual && { contextName: 'email' });
  else if (operator === 'IN_CIDR') Object.assign(made, { values: [random.pick(NETWORKS), ...random.list(2, () => random.pick(NETWORKS))] }, usual && { contextName: 'remoteAddress' });
  else {
    const value = () => random.of(() => plain(random), () => plain(random), () => random.pick(USERS), () => random.pick(SUBJECTS), () => random.pick(WORDS));
    made.values = random.percent(3) ? [] : [value(), ...random.list(3, value)];
    if (usual) made.contextName = random.pick(['country', 'custom', 'userId', 'email']);
  }
  return made;
};

const percentage = (random) => String(random.pick([0, 1, 10, 25, 50, 50, 75, 99, 100, random.below(101)]));
const list = (random, pool) => random.list(4, () => random.pick(pool)).join(random.pick([',', ', ']));

const variant = (random, at) => ({
  // Of one payload each: a name with two is refused.
  name: `v${at}`,
  weight: random.pick([0, 1, 333, 500, 500, 1000]),
  ...(at < 3 ? { payload: [{ type: 'string', value: `text ${at}` }, { type: 'json', value: `{"at":${at}}` }, { type: 'number', value: String(at) }][at] } : {}),
});

const variants = (random, stickiness) => Array.from({ length: 1 + random.below(4) }, (_, at) => {
  const made = variant(random, at);
  if (stickiness) made.stickiness = stickiness;
  return made;
});

const strategy = (random, name, segments) => {
  const made = random.of(
    () => ({ name: 'default', parameters: {} }),
    () => ({ name: 'flexibleRollout', parameters: { rollout: percentage(random), stickiness: random.pick(['default', 'userId', 'sessionId', 'country', ...(random.percent(25) ? ['random'] : [])]), groupId: random.pick([name, 'group', '']) } }),
    () => ({ name: 'flexibleRollout', parameters: { rollout: percentage(random), stickiness: random.pick(['default', 'userId', 'country']), groupId: name } }),
    () => ({ name: 'userWithId', parameters: { userIds: list(random, USERS) } }),
    () => ({ name: 'gradualRolloutUserId', parameters: { percentage: percentage(random), groupId: 'group' } }),
    () => ({ name: 'gradualRolloutSessionId', parameters: { percentage: percentage(random), groupId: name } }),
    () => ({ name: 'remoteAddress', parameters: { IPs: list(random, random.percent(90) ? NETWORKS.filter((one) => one !== '2001:db8::/32') : NETWORKS) } }),
    () => (random.percent(5) ? { name: 'applicationHostname', parameters: { hostNames: 'a' } } : random.percent(6) ? { name: 'ownStrategy', parameters: {} } : { name: 'default' }),
  );
  if (random.percent(60)) made.constraints = random.list(2, () => constraint(random));
  if (segments.length > 0 && random.percent(30)) made.segments = random.list(2, () => (random.percent(96) ? random.pick(segments) : 99));
  if (made.name === 'flexibleRollout' && random.percent(25)) made.variants = variants(random, made.parameters.stickiness);
  return made;
};

const feature = (random, name, others, segments) => {
  const made = { name, type: 'release', enabled: random.percent(90), strategies: random.list(3, () => strategy(random, name, segments)), variants: [] };
  if (random.percent(40)) {
    made.variants = variants(random, random.pick(['default', 'userId', 'country', undefined]));
    for (const one of made.variants) {
      if (random.percent(15)) one.overrides = [{ contextName: random.pick(['userId', 'country', 'custom']), values: random.list(2, () => random.pick([...USERS, 'us', 'pro'])) }];
    }
  }
  if (others.length > 0 && random.percent(20)) {
    made.dependencies = random.list(2, () => ({ feature: random.percent(94) ? random.pick(others) : 'no-feature', ...(random.percent(40) ? { enabled: random.percent(50) } : {}), ...(random.percent(25) ? { variants: random.list(2, () => random.pick(['v0', 'v1', 'v9'])) } : {}) }));
  }
  return made;
};

/** What is a number to JavaScript alone, or beyond what both engines hold, is left out: Unleash's own engine reads it as Rust does, and so does the importer. */
const readAlike = (value) => (Number.isNaN(Number(value)) || /^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? value : 'x');

const context = (random) => {
  const made = { appName: APP, environment: ENVIRONMENT, currentTime: new Date(NOW).toISOString() };
  const properties = {};
  if (random.percent(85)) made.userId = random.pick(USERS);
  if (random.percent(60)) made.sessionId = random.pick(['s1', 's2', '42']);
  if (random.percent(60)) made.remoteAddress = random.pick(ADDRESSES);
  const usual = {
    country: () => plain(random),
    age: () => (random.percent(85) ? decimal(random) : random.pick(['x', 'NaN'])),
    version: () => random.pick(random.percent(80) ? VERSIONS : ODD_VERSIONS.filter((one) => !/^\d{16}/.test(one))),
    email: () => random.pick(SUBJECTS),
    custom: () => random.pick(WORDS),
  };
  for (const [name, make] of Object.entries(usual)) if (random.percent(75)) properties[name] = readAlike(make());
  if (Object.keys(properties).length > 0) made.properties = properties;
  return made;
};

/** `userId` is the targeting key, properties are attributes like the others. */
const asOurs = ({ userId, properties, currentTime: _, ...rest }) => ({ ...rest, ...properties, ...(userId === undefined ? {} : { targetingKey: userId }) });

export const world = (random) => {
  const segments = Array.from({ length: random.below(4) }, (_, at) => ({ id: at + 1, name: `s${at}`, constraints: random.list(2, () => constraint(random)) }));
  const features = [];
  for (let at = 0; at < 12; at += 1) features.push(feature(random, `f${at}`, features.map(({ name }) => name), segments.map(({ id }) => id)));
  const payload = json({ version: 2, features, segments });
  const contexts = Array.from({ length: 12 }, () => json(context(random)));
  const describe = (flag) => ({ feature: payload.features.find(({ name }) => name === flag), segments });
  // Without a unit it draws a number for each evaluation.
  const declined = (question, outcome, answer) => answer.drawn;
  return { payload, contexts, flags: features.map(({ name }) => name), now: NOW, describe, declined };
};

export { asOurs };

/** Asks Unleash's SDK each feature for each context. */
export const judge = async ({ payload, contexts, flags }) => {
  const client = new Unleash({
    appName: APP,
    environment: ENVIRONMENT,
    url: 'http://127.0.0.1:9/',
    bootstrap: { data: structuredClone(payload.features), segments: structuredClone(payload.segments) },
    storageProvider: new InMemStorageProvider(),
    disableAutoStart: true,
    disableMetrics: true,
    refreshInterval: 0,
    skipInstanceCountWarning: true,
  });
  for (const event of ['error', 'warn']) client.on(event, () => {});
  const ready = new Promise((resolve) => client.once('ready', resolve));
  client.start().catch(() => {});
  await ready;
  const { random } = Math;
  let drawn = false;
  Math.random = () => {
    drawn = true;
    return random();
  };
  const answers = flags.flatMap((flag) => contexts.map((one) => {
    drawn = false;
    const on = client.isEnabled(flag, structuredClone(one), false);
    const variant = client.getVariant(flag, structuredClone(one));
    return { on, variant, drawn };
  }));
  Math.random = random;
  client.destroy();
  return answers;
};

const payloadOf = ({ payload }) => (payload === undefined ? true : payload.type === 'json' || payload.type === 'number' ? JSON.parse(payload.value) : payload.value);

/** Whether our outcome says what Unleash's answer says: off is false, on without a variant true, else the variant's payload. */
export const agrees = ({ on, variant }, outcome) => {
  if (outcome.reason === 'ERROR') return false;
  const expected = !on ? false : variant.enabled && variant.name !== 'disabled' ? payloadOf(variant) : true;
  return JSON.stringify(outcome.value) === JSON.stringify(expected) && (outcome.variant !== 'off') === on;
};
