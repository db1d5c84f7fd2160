// A rule as a sentence: "if country is one of US, CA and plan is pro, serve 25 % on / 75 % off".
import type { Condition, Rule, Segment, Serve, Target } from '../api/types.ts';
import { exactly } from '../ui/time.tsx';
import { leafOf, operatorOf, type Leaf } from './leaf.ts';
import { percent, sharesOf, weightsAt } from './shares.ts';
import { slotInWords } from './slots.ts';

/** A piece of a sentence, and what it is: pages show each kind in its own way. */
export interface Piece {
  kind: 'word' | 'attribute' | 'value' | 'variant';
  text: string;
}

const word = (text: string): Piece => ({ kind: 'word', text });
const value = (text: string): Piece => ({ kind: 'value', text });
const attribute = (text: string): Piece => ({ kind: 'attribute', text });
const variant = (text: string): Piece => ({ kind: 'variant', text });

/** Values of a list that are said; the others are counted. */
const SAID = 8;

export function conditionPieces(condition: Condition, inside = false): Piece[] {
  if ('all' in condition && condition.all.length === 0) return [word('anybody')];
  if ('any' in condition && condition.any.length === 0) return [word('nobody')];
  if ('all' in condition) return joined(condition.all, 'and', inside);
  if ('any' in condition) return joined(condition.any, 'or', inside);
  const leaf = leafOf(condition);
  if (leaf) return leafPieces(leaf);
  if ('not' in condition) return [word('not ('), ...conditionPieces(condition.not), word(')')];
  if ('flag' in condition) return [word('flag'), attribute(condition.flag.flag), word('serves'), ...listed(condition.flag.variants)];
  if ('some' in condition) return [word('an item of'), attribute(condition.some.attribute), word('fulfils ('), ...conditionPieces(condition.some.when), word(')')];
  if ('now' in condition) return [word(`the time is ${condition.now.is}`), value(exactly(condition.now.value))];
  if ('bucket' in condition) return [word('the bucket of'), attribute(condition.bucket.by.unit ?? 'targetingKey'), word('is below'), value(String(condition.bucket.below))];
  if ('error' in condition) return [word('an error:'), value(condition.error)];
  const [field, body] = Object.entries(condition)[0] as [string, { attribute?: string }];
  const { attribute: name, ...rest } = body;
  return [...(name ? [attribute(name)] : []), word(field.replaceAll('_', ' ')), value(JSON.stringify(rest))];
}

function joined(conditions: Condition[], between: string, inside: boolean): Piece[] {
  const pieces = conditions.flatMap((one, index) => [...(index > 0 ? [word(between)] : []), ...conditionPieces(one, conditions.length > 1)]);
  return inside && conditions.length > 1 ? [word('('), ...pieces, word(')')] : pieces;
}

function leafPieces(leaf: Leaf): Piece[] {
  const operator = operatorOf(leaf.operator);
  if (operator.id === 'segment') return [word(leaf.negated ? operator.not : operator.words), value(String(leaf.values[0] ?? ''))];
  let words = leaf.negated ? operator.not : operator.words;
  if (operator.id === 'in' && leaf.values.length === 1) words = leaf.negated ? 'is not' : 'is';
  const cased = leaf.ignoreCase ? [word('in whatever case')] : [];
  return [attribute(leaf.attribute || '…'), word(words), ...(operator.values === 'none' ? [] : listed(leaf.values)), ...cased];
}

function listed(values: readonly (string | number | boolean)[]): Piece[] {
  if (values.length === 0) return [value('…')];
  const said = values.slice(0, SAID).map((one) => value(String(one)));
  return values.length > SAID ? [...said, word(`and ${values.length - SAID} more`)] : said;
}

export function servePieces(serve: Serve, now: number): Piece[] {
  if ('variant' in serve) return [variant(serve.variant)];
  const shares =
    'split' in serve
      ? sharesOf(serve.split)
      : sharesOf({ weights: serve.ramp.variants.map((name, index) => ({ variant: name, weight: weightsAt(serve.ramp.steps, now)[index] ?? 0 })) });
  const pieces = shares.flatMap((share, index) => [...(index > 0 ? [word('/')] : []), word(percent(Math.round(share.weight))), variant(share.variant ?? 'nobody')]);
  const last = 'ramp' in serve ? serve.ramp.steps.at(-1) : undefined;
  if (!last) return pieces;
  return [...pieces, word(last.at > now ? `moving until ${exactly(last.at)}` : 'where the ramp has ended')];
}

export function rulePieces(rule: Rule, now: number): Piece[] {
  const always = 'all' in rule.when && rule.when.all.length === 0;
  const slot = rule.layer ? [word('in'), value(slotInWords(rule.layer)), word('of the layer'), attribute(rule.layer.layer)] : [];
  const fits = always ? [] : conditionPieces(rule.when, slot.length > 0);
  const whom = always && slot.length === 0 ? [word('for anybody')] : [word('if'), ...slot, ...(slot.length > 0 && !always ? [word('and')] : []), ...fits];
  return [...whom, word(', serve'), ...servePieces(rule.serve, now)];
}

/** Who is in a segment. */
export function segmentPieces({ when, included = [], excluded = [] }: Segment): Piece[] {
  const pieces = when ? [word('whoever fulfils'), ...conditionPieces(when)] : [];
  if (included.length > 0) pieces.push(word(`${pieces.length > 0 ? ', and ' : ''}${included.length} by name`));
  if (excluded.length > 0) pieces.push(word(`, but not ${excluded.length} by name`));
  return pieces.length > 0 ? pieces : [word('nobody yet')];
}

export function targetPieces(target: Target): Piece[] {
  const expires = target.expires == null ? [] : [word(`until ${exactly(target.expires)}`)];
  return [attribute(target.unit ?? 'targetingKey'), ...listed(target.keys), word('get'), variant(target.variant), ...expires];
}

/** The pieces as one text. Values of a list stand one after the other, with commas. */
export function said(pieces: Piece[]): string {
  return pieces.reduce((text, piece, index) => {
    if (index === 0 || piece.text.startsWith(',') || piece.text === ')' || text.endsWith('(')) return text + piece.text;
    const beforeToo = pieces[index - 1]?.kind === 'value' && piece.kind === 'value';
    return `${text}${beforeToo ? ', ' : ' '}${piece.text}`;
  }, '');
}
