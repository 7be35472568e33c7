export { startChild } from './child.ts';
export type { Child, ChildExit, ChildOptions } from './child.ts';
export { startFaultProxy } from './fault-proxy.ts';
export type { FaultProxy, FaultProxyOptions } from './fault-proxy.ts';
export { findDebianPostgres } from './postgres-binaries.ts';
export type { PostgresBinaries } from './postgres-binaries.ts';
export { startPostgres } from './postgres.ts';
export type { PostgresOptions, PostgresServer, StopMode } from './postgres.ts';
