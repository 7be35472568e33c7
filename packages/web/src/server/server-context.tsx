import type { LogEntry } from '@brimful/api';
import type { ReactNode } from 'react';
import { createContext, use, useEffect, useState, useSyncExternalStore } from 'react';
import type { LiveSnapshot } from './live-state.ts';
import { LiveState } from './live-state.ts';
import type { ServerClient } from './server-client.ts';

interface ServerSide {
  readonly client: ServerClient;
  readonly live: LiveState;
}

const ServerContext = createContext<ServerSide | null>(null);

export function ServerProvider({
  client,
  children,
}: {
  readonly client: ServerClient;
  readonly children: ReactNode;
}) {
  const [side] = useState<ServerSide>(() => ({ client, live: new LiveState(client.api) }));
  useEffect(() => side.live.start(), [side]);
  return <ServerContext value={side}>{children}</ServerContext>;
}

function useSide(): ServerSide {
  const side = use(ServerContext);
  if (side === null) throw new Error('No ServerProvider is around this component.');
  return side;
}

export function useClient(): ServerClient {
  return useSide().client;
}

/** Draws again whenever something was heard. */
export function useLive(): LiveSnapshot {
  const { live } = useSide();
  return useSyncExternalStore(live.subscribe, live.snapshot);
}

/** The newest log lines, the oldest first; null: none are known yet. Draws again when there are more. */
export function useLogs(): readonly LogEntry[] | null {
  const { logs } = useSide().live;
  return useSyncExternalStore(logs.subscribe, logs.lines);
}
