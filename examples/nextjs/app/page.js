import { cookies } from 'next/headers';

import { flags } from '../flags.server.js';
import { Banner } from './banner.js';
import { Flags } from './flags.js';

/** Rendered for each request: flags depend on who asks. */
export default async function Page() {
  const jar = await cookies();
  const context = { targetingKey: jar.get('user')?.value ?? 'visitor', country: jar.get('country')?.value ?? 'US' };
  const here = (await flags()).for(context);
  return (
    <main>
      {/* Components of the server read flags directly. */}
      <h1>{here.boolean('new-checkout', false) ? 'The new checkout' : 'The old checkout'}</h1>
      {/* Those of the browser start with what is found here, and follow every change. */}
      <Flags connection={process.env.PENNON_CLIENT_CONNECTION} rendered={here.render()}>
        <Banner />
      </Flags>
    </main>
  );
}
