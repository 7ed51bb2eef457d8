import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

/** Stands for the nonce of one answer; the service puts it there (src/platform/http/admin-page.ts). */
const NONCE = '__CSP_NONCE__';
const COMPRESSED_FROM_BYTES = 1_024;

/** Writes each script compressed as well, once and as small as it gets, instead of at every answer. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle({ dir = '' }, bundle) {
    for (const file of Object.keys(bundle).filter((name) => name.endsWith('.js'))) {
      const path = join(dir, file);
      const bytes = readFileSync(path);
      if (bytes.length < COMPRESSED_FROM_BYTES) continue;
      writeFileSync(`${path}.br`, brotliCompressSync(bytes));
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    }
  },
};

export default defineConfig({
  root: import.meta.dirname,
  base: '/admin/',
  html: { cspNonce: NONCE },
  oxc: { jsx: { runtime: 'automatic' } },
  plugins: [compressed],
  build: {
    outDir: '../dist/admin-page',
    emptyOutDir: true,
    target: 'es2022',
    // A picture in the page itself would need a policy that lets such pictures in.
    assetsInlineLimit: 0,
    // The largest chunk is the libraries that every page needs; it is fetched once and kept.
    chunkSizeWarningLimit: 1_500,
    rolldownOptions: {
      checks: { moduleLevelDirective: false },
      output: {
        codeSplitting: {
          // A group takes what its modules import with it: the charts come last, or else React would be theirs, and they be
          // fetched for every page.
          groups: [
            { name: 'vendor', test: /node_modules[\\/](?!@mui[\\/]x-|d3-|@react-spring)/, priority: 2 },
            { name: 'charts', test: /node_modules/, priority: 1 },
          ],
        },
      },
    },
  },
});
