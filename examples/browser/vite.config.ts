import { defineConfig } from 'vite';

export default defineConfig({
  // Pennon finds its WebAssembly file relative to its own module: before Vite 8, bundling in advance moved the one without the other.
  optimizeDeps: { exclude: ['pennon'] },
  // The policy of index.html allows no inline scripts: no polyfill is injected.
  build: { target: 'es2022', modulePreload: { polyfill: false } },
  server: { strictPort: true },
  preview: { strictPort: true },
});
