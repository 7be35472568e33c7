export * from './arbitrary-values.ts';
export * from './values.ts';
