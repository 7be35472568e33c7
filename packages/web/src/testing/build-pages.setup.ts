import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { findChromium } from './browser.ts';

const WEB = join(import.meta.dirname, '../..');

/** Builds the pages once for all tests that see them, as they are served. */
export default function setup(): void {
  if (findChromium() === undefined) return;
  const vite = join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
  // A process of its own: what is built must not be what tests see of React.
  execFileSync(process.execPath, [vite, 'build', '--logLevel', 'error'], {
    cwd: WEB,
    env: { ...process.env, NODE_ENV: 'production' },
  });
}
