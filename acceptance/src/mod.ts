export { orderRun, tell, untilRun } from './order-run.ts';
export type { PipeOptions } from './pipe-options.ts';
export { captureAll, materializeAll } from './pipe-options.ts';
export type { PipeReport } from './pipe-process.ts';
export { hasPassed, isSettled, PipeProcess } from './pipe-process.ts';
