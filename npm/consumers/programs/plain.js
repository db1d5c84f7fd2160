// No bundler: the package's files as they are, by an address.
import { createClient } from '/pennon/entrypoints/browser.js';
import { show } from './page.js';

await show(createClient);
