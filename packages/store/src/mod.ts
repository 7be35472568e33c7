export * from './blobs.ts';
export * from './journals.ts';
export * from './registry.ts';
export * from './store.ts';
