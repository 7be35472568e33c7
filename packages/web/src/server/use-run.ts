import type { Run } from '@brimful/model';
import type { UseQueryResult } from '@tanstack/react-query';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useClient, useLive } from './server-context.tsx';

/** Even if the stream said nothing: after a restart of the server it may have missed the last word. */
const REFRESH_MILLISECONDS = 10_000;

/** One run with its plan and events, asked for again whenever the stream says that it changed. */
export function useRun(id: string): UseQueryResult<Run> {
  const client = useClient();
  const queries = useQueryClient();
  const summary = useLive().runs.get(id);
  useEffect(() => {
    // A request under way answers with what is new as well, or the next change asks again.
    void queries.invalidateQueries({ queryKey: ['run', id] }, { cancelRefetch: false });
  }, [summary, id, queries]);
  return useQuery({
    queryKey: ['run', id],
    queryFn: () => client.run(id),
    refetchInterval: REFRESH_MILLISECONDS,
  });
}
