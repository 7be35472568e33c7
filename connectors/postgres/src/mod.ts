export { captureConfig } from './config.ts';
export type { CaptureConfig } from './config.ts';
export { connector } from './connector.ts';
