// esbuild does not follow `new URL(..., import.meta.url)`: it is told where the file is.
import { createClient } from 'pennon';
import wasm from 'pennon/pennon.wasm';
import { show } from './page.js';

await show(createClient, { wasm });
