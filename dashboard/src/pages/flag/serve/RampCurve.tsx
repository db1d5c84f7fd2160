import type { Ramp, Variant } from '../../../api/types.ts';
import { WHOLE } from '../../../flag/shares.ts';
import { exactly } from '../../../ui/time.tsx';
import { partColour } from './colours.ts';

const WIDTH = 400;
const HEIGHT = 100;

/** How the shares move, as stacked areas over time. */
export function RampCurve({ ramp, variants }: { ramp: Ramp; variants: Variant[] }) {
  const [first, last] = [ramp.steps[0], ramp.steps.at(-1)];
  if (!first || !last || last.at <= first.at) return null;
  // Before the first step and after the last the shares stand: a tenth of the width on each side.
  const x = (at: number) => WIDTH * (0.1 + (0.8 * (at - first.at)) / (last.at - first.at));
  const points = [{ x: 0, weights: first.weights }, ...ramp.steps.map((step) => ({ x: x(step.at), weights: step.weights })), { x: WIDTH, weights: last.weights }];
  const height = (weights: number[], parts: number) => HEIGHT - (HEIGHT * weights.slice(0, parts).reduce((sum, weight) => sum + weight, 0)) / WHOLE;
  const now = x(Date.now());
  const words = ramp.steps.map((step) => `${exactly(step.at)}: ${step.weights.map((weight, part) => `${weight / 1000} % ${ramp.variants[part] ?? 'nobody'}`).join(', ')}`).join('; ');
  return (
    <svg className="curve" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
      {ramp.variants.map((variant, part) => {
        const top = points.map((point) => `${point.x},${height(point.weights, part + 1)}`);
        const bottom = points.map((point) => `${point.x},${height(point.weights, part)}`).reverse();
        const colour = variant == null ? 'transparent' : partColour(variants.findIndex(({ key }) => key === variant));
        return <polygon key={part} points={[...top, ...bottom].join(' ')} fill={colour} />;
      })}
      {now >= 0 && now <= WIDTH ? <line x1={now} x2={now} y1="0" y2={HEIGHT} className="curve-now" /> : null}
    </svg>
  );
}
