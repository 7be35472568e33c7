import { describe } from 'vitest';
import { describeAppending } from './conformance/appending.ts';
import { describeBlobs } from './conformance/blobs.ts';
import { describeFencing } from './conformance/fencing.ts';
import type { MakeStore } from './conformance/harness.ts';
import { describeReading } from './conformance/reading.ts';
import { describeRegistry } from './conformance/registry.ts';
import { describeAgainstModel } from './conformance/store-model.ts';
import { describeTrimming } from './conformance/trimming.ts';

export type { MakeStore, StoreHarness } from './conformance/harness.ts';

/** What every adapter must do, as tests: call it in a test file of the adapter. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describe(`${name} as a store`, () => {
    describeAppending(makeStore);
    describeFencing(makeStore);
    describeReading(makeStore);
    describeTrimming(makeStore);
    describeRegistry(makeStore);
    describeBlobs(makeStore);
    describeAgainstModel(makeStore);
  });
}
