import { existsSync } from 'node:fs';
import type { Alert, AlertRecord, Run, RuntimeStatus } from '@brimful/model';
import { ALERTS_KEY, STATUS_KEY } from '@brimful/model';
import { openStoreReadonly } from './data-directory.ts';

/** What a pipe on this data directory said last. */
export interface PublishedStatus {
  readonly status: RuntimeStatus;
  /** Whether the process that said it is still at work. */
  readonly running: boolean;
  /** All there are, the oldest first. */
  readonly runs: readonly Run[];
  /** That are open, the worst first. */
  readonly alerts: readonly Alert[];
}

/** Undefined when nothing has run there yet. */
export async function publishedStatus(dataDirectory: string): Promise<PublishedStatus | undefined> {
  if (!existsSync(dataDirectory)) return undefined;
  await using store = await openStoreReadonly(dataDirectory);
  const record = await store.registry.get<RuntimeStatus>(STATUS_KEY);
  if (record === undefined) return undefined;
  const { value } = record;
  const runs = await store.registry.list<Run>('runs/');
  const alerts = await store.registry.get<AlertRecord>(ALERTS_KEY);
  return {
    status: value,
    running: isAlive(value.pid) && isAtWork(value),
    runs: runs.map((run) => run.value).sort((a, b) => a.createdAt - b.createdAt),
    alerts: alerts?.value.open ?? [],
  };
}

/** Those that are open by what a pipe on this data directory said last. */
export async function publishedAlerts(dataDirectory: string): Promise<readonly Alert[]> {
  return (await publishedStatus(dataDirectory))?.alerts ?? [];
}

function isAtWork(value: RuntimeStatus): boolean {
  const tasks = [...value.captures, ...value.materializations];
  return (
    value.reloading !== undefined || tasks.length === 0 || tasks.some((task) => task.state !== 'stopped')
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is alive too.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
