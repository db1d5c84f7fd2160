import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Where `npm run dev` finds the control plane.
const server = process.env['PENNON_URL'] ?? 'http://127.0.0.1:8600';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    // Nothing becomes a data: URL: everything is a file that the content security policy can name.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    sourcemap: false,
    rolldownOptions: {
      output: {
        // What every page needs comes in two files, and each page in its own: many small ones are many questions to the server.
        codeSplitting: {
          groups: [
            { name: 'libraries', test: /node_modules[\\/](?!@tanstack[\\/](?:react-)?virtual)/ },
            { name: 'shared', test: /dashboard[\\/]src[\\/](?:api|generated[\\/]schema|shell|ui|access|routes|pages[\\/]flags[\\/]newFlag)/, minShareCount: 2 },
            // With the rows that the preview's table has too.
            { name: 'flags', test: /dashboard[\\/]src[\\/]pages[\\/]flags[\\/](?!newFlag)|node_modules[\\/]@tanstack[\\/](?:react-)?virtual/ },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(['/admin', '/auth', '/v1', '/ofrep', '/api'].map((path) => [path, server])),
  },
  test: { include: ['tests/unit/**/*.test.{ts,mjs}'] },
});
