#!/usr/bin/env node
// Starts the brimful command on Node 24, installing this clone's dependencies first where they are missing.
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(realpathSync(fileURLToPath(import.meta.url)));
const main = resolve(here, '../src/main.ts');
if (!existsSync(main)) {
  process.stderr.write(
    'brimful: the command is not ready yet in this checkout (packages/cli/src/main.ts is missing).\n',
  );
  process.exit(1);
}
const { runOnNode24 } = await import(join(here, '../../../scripts/bootstrap.mjs'));
const words = process.argv.slice(2);
await runOnNode24(main, words, { pages: words.includes('up') && !words.includes('--help') });
