// Percentages: weights are thousandths of a percent, and all of a split's sum to 100 %.
import type { Serve, Split } from '../api/types.ts';

export const WHOLE = 100_000;

export interface Share {
  /** Null: the part of nobody, to whom the split does not apply. */
  variant: string | null;
  weight: number;
}

/** What each variant has in all, in the order of its first part. */
export function sharesOf(split: Pick<Split, 'weights'>): Share[] {
  const shares: Share[] = [];
  for (const { variant = null, weight } of split.weights) {
    const known = shares.find((share) => share.variant === variant);
    if (known) known.weight += weight;
    else shares.push({ variant, weight });
  }
  return shares;
}

/** Gives one share this weight and lets the others make room in proportion, the last of them the remainder. */
export function withShare(shares: Share[], index: number, wanted: number): Share[] {
  const weight = Math.min(WHOLE, Math.max(0, Math.round(wanted)));
  const others = shares.filter((_, place) => place !== index);
  if (others.length === 0) return shares.map((share) => ({ ...share, weight: WHOLE }));
  const rest = WHOLE - weight;
  const before = others.reduce((sum, share) => sum + share.weight, 0);
  let left = rest;
  const given = others.map((share, place) => {
    const last = place === others.length - 1;
    const part = last ? left : Math.min(left, Math.round(before > 0 ? (share.weight * rest) / before : rest / others.length));
    left -= part;
    return { ...share, weight: part };
  });
  return shares.map((share, place) => (place === index ? { ...share, weight } : (given.shift() as Share)));
}

/** "25 %", "12.5 %", "0.001 %". */
export const percent = (weight: number): string => `${Number((weight / 1000).toFixed(3))} %`;

/** A weight from what was typed: "25", "25 %", "12,5". */
export function weightFrom(text: string): number | undefined {
  const number = Number(text.replace('%', '').replace(',', '.').trim() || Number.NaN);
  return Number.isFinite(number) && number >= 0 && number <= 100 ? Math.round(number * 1000) : undefined;
}

/** A split of these shares; its salt is drawn by the server. */
export const splitOf = (shares: Share[], by: Split['by'] = {}): Serve => ({ split: { by, weights: shares } });

/** The variants that are served to somebody. */
export function variantsServed(serve: Serve): string[] {
  if ('variant' in serve) return [serve.variant];
  if ('split' in serve) return sharesOf(serve.split).filter((share) => share.variant !== null && share.weight > 0).map((share) => share.variant as string);
  return [...new Set(serve.ramp.variants.filter((variant) => variant != null))];
}

/** A ramp's weights at an instant: straight lines between its steps. */
export function weightsAt(steps: { at: number; weights: number[] }[], now: number): number[] {
  const after = steps.findIndex((step) => step.at > now);
  if (after === 0) return steps[0]?.weights ?? [];
  const to = steps[after];
  const from = steps[after === -1 ? steps.length - 1 : after - 1];
  if (!from) return [];
  if (!to) return from.weights;
  const gone = (now - from.at) / (to.at - from.at);
  return from.weights.map((weight, index) => weight + ((to.weights[index] ?? 0) - weight) * gone);
}
