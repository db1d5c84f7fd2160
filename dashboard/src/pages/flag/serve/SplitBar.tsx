import './serve.css';

import type { Variant } from '../../../api/types.ts';
import { percent, type Share, WHOLE } from '../../../flag/shares.ts';
import { partColour } from './colours.ts';

/** Who gets what, as a bar. The numbers stand beside it for whoever cannot see it. */
export function SplitBar({ shares, variants }: { shares: Share[]; variants: Variant[] }) {
  const words = shares.map(({ variant, weight }) => `${percent(weight)} ${variant ?? 'nobody'}`).join(', ');
  return (
    <div className="split-bar" role="img" aria-label={words}>
      {shares.map(({ variant, weight }) => (
        <span
          key={variant ?? ''} title={`${percent(weight)} ${variant ?? 'nobody'}`}
          style={{ flexGrow: weight / WHOLE, background: variant === null ? 'transparent' : partColour(variants.findIndex(({ key }) => key === variant)) }}
        />
      ))}
    </div>
  );
}
