import type { ConnectionReport, Discovery } from '@brimful/api';
import { useMutation } from '@tanstack/react-query';
import { useClient } from '../server/server-context.tsx';
import type { TaskKind } from './catalog-task.ts';
import type { PlainMap } from './plain-value.ts';
import { isSameValue } from './plain-value.ts';

/** What was found out by connecting with a config that is being edited. */
export interface Connection {
  readonly check: () => void;
  readonly isChecking: boolean;
  readonly report: ConnectionReport | null;
  readonly checkError: Error | null;
  /** Whether the report is about the config as it is now. */
  readonly isCurrent: boolean;
  readonly discover: () => void;
  readonly isDiscovering: boolean;
  readonly resources: Discovery['resources'] | null;
  readonly discoverError: Error | null;
}

interface Target {
  readonly kind: TaskKind;
  readonly connector: string;
  readonly config: PlainMap;
  /** Undefined: it does not exist yet. */
  readonly name: string | undefined;
}

/** A source that can be reached is asked for its tables right away. */
export function useConnection({ kind, connector, config, name }: Target): Connection {
  const client = useClient();
  const named = name === undefined ? {} : { name };
  const discovering = useMutation({
    mutationFn: () => client.discover({ connector, config: { ...config }, ...named }),
  });
  const checking = useMutation({
    mutationFn: (asked: PlainMap) => client.check({ connector, kind, config: { ...asked }, ...named }),
    onSuccess: ({ ok }) => {
      if (ok && kind === 'capture') discovering.mutate();
    },
  });
  return {
    check: () => checking.mutate(config),
    isChecking: checking.isPending,
    report: checking.data ?? null,
    checkError: checking.error,
    isCurrent: checking.variables !== undefined && isSameValue(checking.variables, config),
    discover: () => discovering.mutate(),
    isDiscovering: discovering.isPending,
    resources: discovering.data?.resources ?? null,
    discoverError: discovering.error,
  };
}
