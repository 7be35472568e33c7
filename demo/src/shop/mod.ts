export { fillShop, shopSize } from './fill.ts';
export { TABLES } from './schema.ts';
export { startWriter } from './writer.ts';
export type { LiveWriter } from './writer.ts';
