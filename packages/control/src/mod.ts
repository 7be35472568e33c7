export { ControlClient } from './control-client.ts';
export type { ControlServer } from './control-server.ts';
export { serveControl } from './control-server.ts';
export { backfillCalls } from './control-target.ts';
export type { BackfillCalls, ControlTarget, VerifyProgress, VerifyRequest } from './control-target.ts';
