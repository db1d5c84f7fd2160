import type { Client, Details, PennonError, Status } from 'pennon';

const LOG_LINES = 6;

/** Named colours in shades that white text can be read on; any other colour of CSS is used as it is. */
const SHADES: Readonly<Record<string, string>> = {
  blue: '#1d4ed8',
  green: '#15803d',
  red: '#b91c1c',
  orange: '#c2410c',
  purple: '#7e22ce',
};

/** Connection, version, and where the snapshot comes from. */
export function showStatus({ connected, version, source, stale, lastError }: Status): void {
  const connection = must('#connection');
  connection.dataset['state'] = connected ? 'on' : 'off';
  must('#connection-text').textContent = connected ? 'live' : version === undefined ? 'connecting' : 'offline, reconnecting';
  const words = { network: 'network', cache: 'cached snapshot', bootstrap: 'bundled snapshot' };
  must('#source').textContent = source === undefined ? 'none yet' : words[source] + (stale ? ', stale' : '');
  must('#version').textContent = version === undefined ? '–' : String(version);
  document.body.dataset['version'] = String(version ?? '');
  document.body.dataset['source'] = source ?? '';
  document.body.dataset['connected'] = String(connected);
  showError(lastError);
}

export function showError(error: PennonError | undefined): void {
  const line = must('#error');
  line.hidden = error === undefined;
  line.textContent = error ? error.message : '';
  line.dataset['code'] = error?.code ?? '';
}

/** The three flags, as a page would use them, and why they have these values. */
export function showFlags(client: Client): void {
  const banner = client.details('banner-text', 'Welcome');
  show('banner-text', banner, banner.value);

  const checkout = client.details('new-checkout', false);
  const stage = show('new-checkout', checkout, checkout.value ? 'New one-page checkout' : 'Classic checkout');
  stage.parentElement?.toggleAttribute('data-on', checkout.value);

  const colour = client.details('button-colour', 'grey');
  const button = show('button-colour', colour, `Buy now (${colour.value})`);
  const shade = SHADES[colour.value] ?? colour.value;
  // Set by script: the page's policy allows no inline styles.
  if (CSS.supports('color', shade)) button.style.setProperty('--swatch', shade);
  else button.style.removeProperty('--swatch');
}

function show<Value>(flag: string, details: Details<Value>, text: string): HTMLElement {
  const article = must(`[data-flag="${flag}"]`);
  const value = must('[data-value]', article);
  if (value.textContent !== '' && article.dataset['raw'] !== String(details.value)) {
    note(`${flag} is ${details.value}`);
    article.removeAttribute('data-fresh');
    void article.offsetWidth; // lets the animation start again
    article.setAttribute('data-fresh', '');
  }
  value.textContent = text;
  article.dataset['raw'] = String(details.value);
  article.dataset['reason'] = details.reason;
  const parts = [details.reason, details.errorCode, details.variant && `variant ${details.variant}`, details.rule && `rule ${details.rule}`];
  must('[data-why]', article).textContent = parts.filter(Boolean).join(' · ');
  return value;
}

/** One line of what happened, newest first. */
export function note(text: string): void {
  const line = document.createElement('li');
  const time = document.createElement('time');
  time.textContent = new Date().toLocaleTimeString();
  line.append(time, text);
  const log = must('#log');
  log.prepend(line);
  while (log.children.length > LOG_LINES) log.lastElementChild?.remove();
}

function must(selector: string, within: ParentNode = document): HTMLElement {
  const found = within.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`index.html has no element ${selector}`);
  return found;
}
