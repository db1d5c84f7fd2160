import type { Variant } from '../api/types.ts';
import type { Distribution } from '../evaluator/draft.ts';
import { WHOLE } from '../flag/shares.ts';
import { SplitBar } from '../pages/flag/serve/SplitBar.tsx';

/** What many made-up units were served. */
export function SplitOfMany({ distribution, variants }: { distribution: Distribution; variants: Variant[] }) {
  const shares = [...distribution.variants].toSorted(([a], [b]) => variants.findIndex(({ key }) => key === a) - variants.findIndex(({ key }) => key === b)).map(([variant, count]) => ({ variant: variant || null, weight: (count / distribution.units) * WHOLE, count }));
  return (
    <figure className="stack-small">
      <SplitBar shares={shares} variants={variants} />
      <figcaption className="small soft">
        Of {distribution.units.toLocaleString('en')} made-up users like this one:{' '}
        {shares.map(({ variant, count }, index) => <span key={variant ?? ''}>{index > 0 ? ', ' : ''}<strong>{count.toLocaleString('en')}</strong> <bdi>{variant ?? 'the caller’s default'}</bdi></span>)}
      </figcaption>
    </figure>
  );
}
