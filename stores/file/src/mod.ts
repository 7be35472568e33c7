export { ArmedFaults, type Fault, type FaultPoint, type Faults } from './faults.ts';
export {
  type FileStore,
  type FileStoreCounters,
  type FileStoreOptions,
  openFileStore,
} from './file-store.ts';
export { FORMAT_VERSION, POLL_EVERY_MS, TAIL_RING_BYTES } from './limits.ts';
