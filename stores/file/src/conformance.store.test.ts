import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeStore } from '@brimful/store/conformance';
import { ArmedFaults } from './faults.ts';
import { openFileStore } from './file-store.ts';

describeStore('the file store', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'brimful-store-'));
  const faults = new ArmedFaults();
  return {
    open: () => openFileStore(directory, { faults }),
    destroy: () => rm(directory, { recursive: true, force: true }),
    loseNextAnswer: () => faults.arm('append', 'lost'),
  };
});
