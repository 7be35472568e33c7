import { describeStore } from '@brimful/store/conformance';
import type { AppendFault } from './memory-store.ts';
import { MemoryDisk } from './memory-store.ts';

describeStore('the store in memory', async () => {
  const disk = new MemoryDisk();
  let fault: AppendFault = 'none';
  return {
    open: async () =>
      disk.open({
        appendFault: () => {
          const now = fault;
          fault = 'none';
          return now;
        },
      }),
    destroy: async () => undefined,
    loseNextAnswer: () => {
      fault = 'lost';
    },
  };
});
