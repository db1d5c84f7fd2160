// Lines to paste, with the key, the address and a flag's name in them.
export interface Ground {
  kind: string;
  connection: string;
  key: string;
  /** Where Pennon is reached. */
  origin: string;
  /** The environment's key. */
  environment: string;
  flag: string;
}

export interface Snippet {
  title: string;
  /** How it is installed; empty where nothing is. */
  install: string;
  code: string;
}

const text = (value: string): string => JSON.stringify(value);

/** The snippets that suit a key of this kind. */
export function snippets({ kind, connection, key, origin, flag }: Ground): Snippet[] {
  const browser: Snippet = {
    title: 'Browser',
    install: 'npm install pennon',
    code: `import { createClient } from 'pennon';

const client = createClient(${text(connection)}, {
  context: { targetingKey: 'user-1', country: 'US' },
});
await client.ready();
if (client.boolean(${text(flag)}, false)) console.log('new');
client.on('change', () => location.reload());`,
  };
  const react: Snippet = {
    title: 'React',
    install: 'npm install pennon',
    code: `import { createClient } from 'pennon';
import { PennonProvider, useFlag } from 'pennon/react';

const client = createClient(${text(connection)}, {
  context: { targetingKey: 'user-1' },
});

export const App = () => <PennonProvider client={client}><Page /></PennonProvider>;

function Page() {
  return useFlag(${text(flag)}, false) ? <p>New</p> : <p>Old</p>;
}`,
  };
  const node: Snippet = {
    title: 'Node',
    install: 'npm install pennon',
    code: `import { createClient } from 'pennon/node';

const client = createClient(${text(connection)});
await client.ready();
client.boolean(${text(flag)}, false, { targetingKey: 'user-1', country: 'US' });`,
  };
  const worker: Snippet = {
    title: 'Worker',
    install: 'npm install pennon',
    code: `import { createClient } from 'pennon/worker';

export default {
  async fetch(request, env) {
    const client = createClient(${text(connection)});
    await client.ready();
    return new Response(String(client.boolean(${text(flag)}, false, { targetingKey: 'user-1' })));
  },
};`,
  };
  const python: Snippet = {
    title: 'Python',
    install: 'pip install openfeature-sdk openfeature-provider-ofrep',
    code: `from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

api.set_provider(OFREPProvider(
    ${text(origin)},
    headers_factory=lambda: {"Authorization": ${text(`Bearer ${key}`)}},
))
client = api.get_client()
client.get_boolean_value(${text(flag)}, False, EvaluationContext("user-1", {"country": "US"}))`,
  };
  const curl: Snippet = {
    title: 'curl',
    install: '',
    code: `curl -X POST -H ${shell(`Authorization: Bearer ${key}`)} -H 'Content-Type: application/json' \\
  -d '{"context": {"targetingKey": "user-1", "country": "US"}}' \\
  ${shell(`${origin}/ofrep/v1/evaluate/flags/${encodeURIComponent(flag)}`)}`,
  };
  if (kind === 'client') return [browser, react, curl];
  return kind === 'edge' ? [curl] : [node, worker, python, curl];
}

/** A word of a shell's line, whatever is in it. */
export const shell = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;
