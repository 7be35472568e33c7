export { CollectionReader } from './collection/collection-reader.ts';
export { journalId } from './collection/journal-id.ts';
export type { Compression, EngineContext } from './context.ts';
export { ByteBudget } from './flow/byte-budget.ts';
export { crashPoints } from './runtime/crash-point.ts';
export type { Runtime, RuntimeOptions } from './runtime/runtime.ts';
export { startRuntime } from './runtime/runtime.ts';
export { zstd } from './runtime/zstd.ts';
