import { useEffect, useState } from 'react';

import { createClient } from '../../../../npm/src/entrypoints/slim.ts';
import { sentence } from '../../api/problem.ts';
import { fromHere } from './fromHere.ts';

/** A page of a shop that asks for the flag, as somebody's program would: by an SDK, with a client key. */
export function LivePage({ connection, flag }: { connection: string; flag: string }) {
  const [shown, setShown] = useState<boolean | null>(null);
  const [wrong, setWrong] = useState<string>();
  useEffect(() => {
    try {
      const client = createClient(fromHere(connection, location.origin), { context: { targetingKey: 'visitor-1' }, cache: false });
      const read = () => setShown(client.boolean(flag, false));
      const stop = client.on('change', read);
      client.ready().then(read, (error: unknown) => setWrong(sentence(error)));
      return () => {
        stop();
        void client.close();
      };
    } catch (error) {
      setWrong(sentence(error));
      return undefined;
    }
  }, [connection, flag]);
  return (
    <figure className="browser" aria-label="A page that asks for the flag">
      <div className="browser-bar" aria-hidden="true"><i /><i /><i /><span>shop.example.com</span></div>
      <div className={shown ? 'browser-page new' : 'browser-page'} role="status">
        {wrong ? <p className="bad given">{wrong}</p> : shown === null ? <p className="soft">Connecting…</p> : (
          <>
            <p className="browser-price">1 lamp · € 42.00</p>
            <p className="browser-button">{shown ? 'Pay with one click' : 'Proceed to checkout'}</p>
            <p className="small soft">{shown ? 'The new checkout is shown.' : 'The old checkout is shown.'}</p>
          </>
        )}
      </div>
      <figcaption className="small soft">Live: this page runs the SDK with a key of its own.</figcaption>
    </figure>
  );
}
