// A rule that is typed in words: `country in US, CA and plan = pro: 25%`. What it was understood as is shown while typing.
import type { AttributeType, Condition, Scalar, Serve, Variant } from '../api/types.ts';
import { conditionOf, emptyLeaf, type Leaf, scalar } from './leaf.ts';
import { type Share, splitOf, WHOLE } from './shares.ts';

export interface Ground {
  /** By the attribute's name. */
  attributes: Record<string, AttributeType>;
  variants: Variant[];
  offVariant: string | undefined;
}

export type Quick = { when: Condition; serve: Serve | undefined } | { wrong: string };

interface Token {
  text: string;
  kind: 'word' | 'text' | 'mark';
}

class Misread extends Error {}

const TOKEN = /\s*(?:"((?:[^"\\]|\\.)*)"|(<=|>=|==|!=|->|[=<>,():%])|([^\s,():=<>!"%]+))/y;

function tokens(line: string): Token[] {
  const found: Token[] = [];
  TOKEN.lastIndex = 0;
  const end = line.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(line);
    if (!match) throw new Misread(`cannot read “${line.slice(at).trim()}”`);
    const [, quoted, mark, word] = match;
    if (quoted !== undefined) found.push({ text: quoted.replace(/\\(.)/g, '$1'), kind: 'text' });
    else if (mark !== undefined) found.push({ text: mark, kind: 'mark' });
    else found.push({ text: word ?? '', kind: 'word' });
  }
  return found;
}

/** Reads the line. The serve part behind the colon may be missing. */
export function quick(line: string, ground: Ground): Quick {
  try {
    return new Reader(tokens(line), ground).rule();
  } catch (error) {
    if (error instanceof Misread) return { wrong: error.message };
    throw error;
  }
}

class Reader {
  private at = 0;
  private readonly list: Token[];
  private readonly ground: Ground;

  constructor(list: Token[], ground: Ground) {
    this.list = list;
    this.ground = ground;
  }

  rule(): Quick {
    this.take('if');
    const everybody = this.take('everybody') || this.take('anybody') || this.take('everyone');
    const when: Condition = everybody ? { all: [] } : this.either();
    const comma = this.take(',');
    const told = this.take(':') || this.take('->') || this.take('then') || this.take('serve') || this.take('serves');
    if (told) this.take('serve');
    if (comma && !told) throw new Misread('after the condition say “: 25%” or “: variant”');
    if (!told && this.next()) throw new Misread(`“${this.next()?.text}” was not expected; join conditions by and, or`);
    return { when, serve: told && this.next() ? this.serve() : undefined };
  }

  private either(): Condition {
    const parts = [this.both()];
    while (this.take('or')) parts.push(this.both());
    return parts.length === 1 ? (parts[0] as Condition) : { any: parts };
  }

  private both(): Condition {
    const parts = [this.term()];
    while (this.take('and')) parts.push(this.term());
    return parts.length === 1 ? (parts[0] as Condition) : { all: parts };
  }

  private term(): Condition {
    if (this.take('not')) return { not: this.term() };
    if (this.take('(')) {
      const inside = this.either();
      if (!this.take(')')) throw new Misread('a ) is missing');
      return inside;
    }
    const inSegment = this.peek('in', 'segment');
    if (inSegment) this.at += 1;
    if (inSegment || (this.peek('segment') && !this.isOperator(this.list[this.at + 1]))) {
      this.at += 1;
      return { segment: this.word('the segment’s key') };
    }
    return this.leaf(this.word('an attribute'));
  }

  private leaf(attribute: string): Condition {
    const type = this.ground.attributes[attribute];
    const leaf: Leaf = { ...emptyLeaf(), attribute };
    const compare = ['<=', '>=', '<', '>'].find((mark) => this.take(mark));
    if (compare) return conditionOf(this.compared(leaf, compare, type));
    for (const [words, operator] of LONGER) {
      if (!this.takeAll(words)) continue;
      const negated = words.some((word) => ['not', '!=', 'missing'].includes(word));
      if (operator === 'exists') return conditionOf({ ...leaf, operator, negated });
      if (operator === 'in' && words.length > 1 && this.peek('segment')) throw new Misread('say “in segment beta”, without an attribute');
      return conditionOf(this.listed({ ...leaf, operator, negated }, type));
    }
    throw new Misread(`after ${attribute} say =, in, contains, >, …`);
  }

  private compared(leaf: Leaf, mark: string, type: AttributeType | undefined): Leaf {
    const text = this.word('a value');
    const dotted = /^v?\d+(\.\d+){2}/.test(text);
    const field = type === 'semver' || (type !== 'number' && dotted) ? 'semver' : type === 'datetime' || /^\d{4}-\d{2}-\d{2}/.test(text) ? 'datetime' : type === 'list' ? 'size' : 'number';
    const value: Scalar = field === 'number' || field === 'size' ? Number(text) : text;
    if (typeof value === 'number' && !Number.isFinite(value)) throw new Misread(`“${text}” is no number`);
    return { ...leaf, operator: `${field} ${mark}`, values: [value] };
  }

  private listed(leaf: Leaf, type: AttributeType | undefined): Leaf {
    const given: Token[] = [];
    do given.push(this.token('a value'));
    while (!this.peek(',', 'serve') && !this.peek(',', 'then') && this.take(','));
    const values = given.map(({ text, kind }) => (kind === 'text' || leaf.operator !== 'in' ? text : typed(text, type)));
    const [only] = values;
    if (leaf.operator === 'in' && type === 'list') return { ...leaf, operator: 'any_of', values };
    if (leaf.operator === 'in' && values.length === 1 && typeof only === 'boolean') return { ...leaf, operator: 'equals', values };
    if (leaf.operator === 'in' && values.length === 1 && type === 'semver') return { ...leaf, operator: 'semver =', values };
    if (leaf.operator === 'in' && type === 'ip') return { ...leaf, operator: 'ip_in_cidr', values };
    if (leaf.operator === 'matches') return { ...leaf, values: [values.join(',')] };
    return { ...leaf, values };
  }

  private serve(): Serve {
    const first = this.word('what to serve');
    if (!this.take('%')) {
      this.end();
      return { variant: this.variant(first) };
    }
    const shares = [this.share(first)];
    while (this.take(',') || this.take('/') || this.take('and')) {
      const text = this.word('a percentage');
      if (!this.take('%')) throw new Misread('say each share in %');
      shares.push(this.share(text));
    }
    this.end();
    return splitOf(this.whole(shares));
  }

  private share(text: string): Share {
    const weight = Math.round(Number(text.replace(',', '.')) * 1000);
    if (!(weight >= 0 && weight <= WHOLE)) throw new Misread(`“${text}” is no percentage`);
    const named = this.next()?.kind === 'word' && !['and', '/'].includes(this.next()?.text ?? '');
    return { weight, variant: named ? this.variant(this.word('a variant')) : (this.served() ?? null) };
  }

  /** What is left goes to what is served while the flag is off, or to the last other variant. */
  private whole(shares: Share[]): Share[] {
    const left = WHOLE - shares.reduce((sum, share) => sum + share.weight, 0);
    if (left < 0) throw new Misread('that is more than 100 %');
    const free = this.ground.variants.filter(({ key }) => !shares.some((share) => share.variant === key));
    const rest = free.find(({ key }) => key === this.ground.offVariant) ?? free.at(-1);
    if (!rest) {
      if (left > 0) throw new Misread('the shares sum to less than 100 %');
      return shares;
    }
    return [...shares, { variant: rest.key, weight: left }];
  }

  /** The variant that a bare percentage is of: the first that is not the off variant. */
  private served(): string | undefined {
    return (this.ground.variants.find(({ key }) => key !== this.ground.offVariant) ?? this.ground.variants[0])?.key;
  }

  private variant(key: string): string {
    const known = this.ground.variants.find((variant) => variant.key.toLowerCase() === key.toLowerCase());
    if (!known) throw new Misread(`there is no variant “${key}”: ${this.ground.variants.map((variant) => variant.key).join(', ')}`);
    return known.key;
  }

  private next(): Token | undefined {
    return this.list[this.at];
  }

  private peek(...words: string[]): boolean {
    return words.every((word, index) => {
      const token = this.list[this.at + index];
      return token !== undefined && token.kind !== 'text' && token.text.toLowerCase() === word;
    });
  }

  private take(word: string): boolean {
    return this.takeAll([word]);
  }

  private takeAll(words: string[]): boolean {
    const there = this.peek(...words);
    if (there) this.at += words.length;
    return there;
  }

  private isOperator(token: Token | undefined): boolean {
    return token !== undefined && token.kind !== 'text' && ['=', '==', '!=', '<', '>', '<=', '>=', 'is', 'in', 'not', 'contains', 'exists', 'matches'].includes(token.text.toLowerCase());
  }

  private token(what: string): Token {
    const token = this.next();
    if (!token || token.kind === 'mark') throw new Misread(`${what} is missing${token ? ` before “${token.text}”` : ''}`);
    this.at += 1;
    return token;
  }

  private word(what: string): string {
    return this.token(what).text;
  }

  private end(): void {
    if (this.next()) throw new Misread(`“${this.next()?.text}” was not expected at the end`);
  }
}

/** The longer ways to say it first. */
const LONGER: [string[], string][] = [
  [['is', 'not', 'one', 'of'], 'in'], [['is', 'one', 'of'], 'in'], [['is', 'not', 'in'], 'in'], [['is', 'in'], 'in'],
  [['is', 'missing'], 'exists'], [['is', 'present'], 'exists'], [['is', 'not'], 'in'], [['is'], 'in'],
  [['does', 'not', 'contain'], 'contains'], [['contains'], 'contains'],
  [['does', 'not', 'start', 'with'], 'starts_with'], [['starts', 'with'], 'starts_with'],
  [['does', 'not', 'end', 'with'], 'ends_with'], [['ends', 'with'], 'ends_with'],
  [['does', 'not', 'match'], 'matches'], [['matches'], 'matches'], [['exists'], 'exists'], [['missing'], 'exists'],
  [['has', 'all', 'of'], 'all_of'], [['has', 'any', 'of'], 'any_of'], [['has', 'none', 'of'], 'none_of'], [['has'], 'any_of'],
  [['not', 'in'], 'in'], [['in'], 'in'], [['!='], 'in'], [['=='], 'in'], [['='], 'in'],
];

/** An unquoted value of an attribute that nobody declared is what it looks like. */
function typed(text: string, type: AttributeType | undefined): Scalar {
  if (type === undefined && /^(true|false)$/.test(text)) return text === 'true';
  if (type === undefined && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return scalar(text, type);
}
