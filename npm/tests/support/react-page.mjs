import { createElement as h } from 'react';
import { createRoot, hydrateRoot } from 'react-dom/client';
import { createClient } from 'pennon';
import { App, renders } from './react-app.mjs';

const root = document.getElementById('root');
window.renders = renders;

window.connect = (connectionString, now, options) => {
  window.client = createClient(connectionString, { now: () => now, storage: false, backoff: { baseMs: 5, capMs: 100 }, ...options });
};
window.mount = (suspense) => createRoot(root).render(h(App, { client: window.client, suspense }));
window.hydrate = () => {
  // What React mends by rendering anew is an error here.
  hydrateRoot(root, h(App, { client: window.client }), { onRecoverableError: (error) => console.error(String(error)) });
};
