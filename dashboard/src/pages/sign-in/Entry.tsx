import './sign-in.css';

import type { ReactNode } from 'react';

/** The card in the middle of an empty page on which somebody comes in. */
export function Entry({ title, intro, children }: { title: string; intro: ReactNode; children: ReactNode }) {
  return (
    <main className="entry">
      <div className="card entry-card">
        <div className="entry-head">
          <img src={new URL('../../pennon.svg', import.meta.url).href} alt="Pennon" width="36" height="36" />
          <h1>{title}</h1>
          <p className="soft">{intro}</p>
        </div>
        {children}
      </div>
    </main>
  );
}
