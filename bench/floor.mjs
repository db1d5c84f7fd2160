// The floor in JavaScript: what the workloads cost when they are written by hand. Rules are functions' worth of plain comparisons,
// lists are sets; the split hashes by FNV-1a, for SipHash needs the 64-bit integers that JavaScript lacks.

/** Reads the lines that core/examples/workload describes. */
export class Floor {
  #flags = new Map();
  #listed = new Set();
  contexts = [];

  constructor(text) {
    let flag;
    for (const line of text.trimEnd().split('\n')) {
      const [kind, ...fields] = line.split('\t');
      if (kind === 'flag') {
        flag = { salt: fields[1], conditions: [], cuts: [] };
        this.#flags.set(fields[0], flag);
      } else if (kind === 'when') flag.conditions.push(condition(fields));
      else if (kind === 'split') {
        let sum = 0;
        flag.cuts = fields.map((weight) => ((sum += Number(weight)) / 100_000) * 2 ** 32);
      } else if (kind === 'listed') this.#listed.add(fields[0]);
      else if (kind === 'context') this.contexts.push(context(fields));
      else throw new Error(`what is this line? ${line}`);
    }
  }

  typical(key, context) {
    const { conditions, cuts, salt } = this.#flags.get(key);
    for (let rule = 0; rule * 2 < conditions.length; rule += 1) {
      if (holds(conditions[rule * 2], context) && holds(conditions[rule * 2 + 1], context)) return `r${rule}`;
    }
    const bucket = hash(hash(0x811c9dc5, salt), context.targetingKey) >>> 0;
    return `v${cuts.findIndex((cut) => bucket < cut)}`;
  }

  listed(context) {
    return this.#listed.has(context.targetingKey);
  }
}

function condition([attribute, operator, ...values]) {
  const value = operator === 'number' ? Number(values[0]) : operator === 'semver' ? version(values[0]) : values[0];
  return { attribute, operator, value, values: new Set(values) };
}

/** A version as a number, as the floor in Rust has it: contexts come prepared. */
function version(text) {
  return text.split('.').reduce((number, part) => number * 1024 + Number(part), 0);
}

function context(fields) {
  const made = {};
  for (let at = 0; at < fields.length; at += 2) {
    const [name, value] = [fields[at], fields[at + 1]];
    made[name] = name === 'age' || name === 'sessions' ? Number(value) : name === 'appVersion' ? version(value) : value;
  }
  return made;
}

function holds({ attribute, operator, value, values }, context) {
  const found = context[attribute];
  switch (operator) {
    case 'equals':
      return found === value;
    case 'in':
      return values.has(found);
    case 'ends_with':
      return found.endsWith(value);
    default:
      return found > value;
  }
}

function hash(start, text) {
  let value = start;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}
