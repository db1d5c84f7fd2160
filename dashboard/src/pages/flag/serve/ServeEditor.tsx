import type { Ramp, Serve, Split, Variant } from '../../../api/types.ts';
import { sharesOf, WHOLE, weightsAt } from '../../../flag/shares.ts';
import { RampEditor } from './RampEditor.tsx';
import { ShareEditor } from './ShareEditor.tsx';

const DAY = 86_400_000;

interface Props {
  serve: Serve;
  variants: Variant[];
  /** What it is about, for screen readers: "the rule", "everybody else". */
  label: string;
  onChange: (serve: Serve) => void;
}

/** A variant, a percentage or a ramp. */
export function ServeEditor({ serve, variants, label, onChange }: Props) {
  const kind = 'variant' in serve ? 'variant' : 'split' in serve ? 'split' : 'ramp';
  return (
    <div className="stack-small">
      <div className="serve-kinds" role="group" aria-label={`What ${label} gets`}>
        {variants.map(({ key }) => (
          <button key={key} type="button" className="button usual" aria-pressed={'variant' in serve && serve.variant === key} onClick={() => onChange({ variant: key })}><bdi className="cut serve-variant">{key}</bdi></button>
        ))}
        <button type="button" className="button usual" aria-pressed={kind === 'split'} onClick={() => onChange({ split: asSplit(serve, variants) })}>Percentage</button>
        <button type="button" className="button usual" aria-pressed={kind === 'ramp'} onClick={() => onChange({ ramp: asRamp(serve, variants) })}>Gradual ramp</button>
      </div>
      {'split' in serve ? <ShareEditor split={serve.split} variants={variants} onChange={(split) => onChange({ split })} /> : null}
      {'ramp' in serve ? <RampEditor ramp={serve.ramp} variants={variants} onChange={(ramp) => onChange({ ramp })} /> : null}
    </div>
  );
}

function asSplit(serve: Serve, variants: Variant[]): Split {
  if ('split' in serve) return serve.split;
  if ('ramp' in serve) {
    const now = weightsAt(serve.ramp.steps, Date.now()).map(Math.round);
    const rest = WHOLE - now.slice(1).reduce((sum, weight) => sum + weight, 0);
    return { by: serve.ramp.by, weights: serve.ramp.variants.map((variant, index) => ({ variant, weight: index === 0 ? rest : (now[index] ?? 0) })) };
  }
  const [first, second] = variants;
  const other = first?.key === serve.variant ? second : first;
  const [one, two] = first?.key === serve.variant ? [serve.variant, other?.key] : [other?.key, serve.variant];
  const half = WHOLE / 2;
  return { by: {}, weights: [one, two].filter((key) => key !== undefined).map((variant, _, all) => ({ variant, weight: all.length === 1 ? WHOLE : half })) };
}

/** From where it stands now to all for the first variant, over a day. */
function asRamp(serve: Serve, variants: Variant[]): Ramp {
  if ('ramp' in serve) return serve.ramp;
  // A ramp's parts are the split's parts, so that nobody moves when it begins.
  const parts = 'split' in serve ? serve.split.weights : sharesOf({ weights: variants.slice(0, 2).map(({ key }, index) => ({ variant: key, weight: index === 0 ? 0 : WHOLE })) });
  const names = parts.map((part) => part.variant ?? null);
  const first = names.findIndex((name) => name !== null);
  const now = Date.now();
  return {
    by: 'split' in serve ? serve.split.by : {},
    variants: names,
    steps: [{ at: now, weights: parts.map((part) => part.weight) }, { at: now + DAY, weights: parts.map((_, index) => (index === first ? WHOLE : 0)) }],
  };
}
