// Components that count how often they are rendered; the server and the browser run the same.
import { Suspense, createElement as h } from 'react';
import { PennonProvider, useClient, useFlag, useFlags } from 'pennon/react';

export const renders = {};
const count = (name) => (renders[name] = (renders[name] ?? 0) + 1);

export function Banner() {
  count('banner');
  return h('p', { id: 'banner' }, useFlag('banner-text', 'default banner'));
}

function Checkout() {
  count('checkout');
  return h('p', { id: 'checkout' }, useFlag('new-checkout', false) ? 'new' : 'old');
}

function Theme() {
  count('theme');
  // A default made anew for each render, as people write it.
  const { theme, limit } = useFlags({ theme: { ground: 'default', sizes: [] }, limit: 0 });
  return h('p', { id: 'theme' }, `${theme.ground} ${theme.sizes.length} ${limit}`);
}

function Mismatch() {
  count('mismatch');
  const key = useClient().details('banner-text', '').key;
  return h('p', { id: 'mismatch' }, `${key} ${useFlag('banner-text', 7)}`);
}

export function App({ client, suspense }) {
  const all = [Banner, Checkout, Theme, Mismatch].map((part) => h(part, { key: part.name }));
  return h(PennonProvider, { client, suspense }, h(Suspense, { fallback: h('p', { id: 'waiting' }, 'waiting') }, all));
}
