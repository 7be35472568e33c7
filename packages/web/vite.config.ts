import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const API = process.env['BRIMFUL_URL'] ?? 'http://127.0.0.1:8787';

export default defineConfig({
  plugins: [react()],
  // While working on it, the interface is served by Vite and the pipe by a running Brimful.
  server: { proxy: { '/api': API } },
  build: {
    outDir: 'dist',
    // Inlined files would need `data:` in the server's content security policy.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
});
