import { createClient, PennonError, type Client } from 'pennon';

import { findConnectionString, forgetConnectionString, keepConnectionString } from './connection';
import { note, showError, showFlags, showStatus } from './view';

const connectForm = element<HTMLFormElement>('connect');
const user = element<HTMLInputElement>('user');
const country = element<HTMLSelectElement>('country');

user.value = 'user-1';

const connection = findConnectionString();
if (connection) start(connection);
else ask();

function ask(): void {
  connectForm.hidden = false;
  connectForm.addEventListener('submit', (event) => {
    event.preventDefault();
    keepConnectionString(element<HTMLInputElement>('connection-string').value.trim());
    location.reload();
  });
}

function start(connectionString: string): void {
  let client: Client;
  try {
    client = createClient(connectionString, { context: context() });
  } catch (thrown) {
    // A connection string that cannot be used: say why, and ask for another.
    forgetConnectionString();
    showError(thrown instanceof PennonError ? thrown : undefined);
    ask();
    return;
  }
  element('demo').hidden = false;
  showStatus(client.status);
  showFlags(client);

  client.on('status', showStatus);
  client.on('error', (error) => note(`${error.code}: ${error.message}`));
  let shown: number | undefined;
  client.on('ready', ({ version, source }) => {
    shown = version;
    note(`version ${version} from the ${source === 'cache' ? 'cached snapshot' : source}`);
  });
  client.on('stale', () => note('the snapshot is overdue for renewal'));
  client.on('change', ({ cause, status }) => {
    showFlags(client);
    if (cause === 'snapshot' && status.version !== shown) note(`version ${(shown = status.version)} is open`);
    if (cause === 'time') note('an instant that a flag waited for has come');
  });

  const changeContext = (): void => void client.setContext(context());
  user.addEventListener('input', changeContext);
  country.addEventListener('change', changeContext);
  element<HTMLFormElement>('context').addEventListener('submit', (event) => event.preventDefault());
}

function context(): { targetingKey: string; country?: string } {
  return { targetingKey: user.value, ...(country.value === '' ? {} : { country: country.value }) };
}

function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element #${id}`);
  return found as Kind;
}
