// The page is built into files that any server may give out under a strict Content-Security-Policy
// and under any path: no inline scripts or styles, no data: URLs, only relative addresses.
import { defineConfig } from 'vitest/config';

import { mockServer } from './dev/mock.ts';

export default defineConfig(({ mode }) => ({
  base: './',
  // `npm run dev` speaks to a running `overtake serve`; `npm run mock` to a stand-in.
  plugins: mode === 'mock' ? [mockServer()] : [],
  server: { proxy: mode === 'mock' ? {} : { '/v1': 'http://127.0.0.1:8080' } },
  preview: {
    headers: {
      'Content-Security-Policy':
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'; require-trusted-types-for 'script'",
    },
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
}));
