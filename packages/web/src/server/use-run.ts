import type { Run } from '@brimful/model';
import type { UseQueryResult } from '@tanstack/react-query';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useClient, useLive } from './server-context.tsx';

/** Even if the stream said nothing: after a restart of the server it may have missed the last word. */
const REFRESH_MILLISECONDS = 10_000;
/** Between two requests: a run of a thousand tables changes more often than anybody can look at, and is large. */
const LEAST_MILLISECONDS = 1000;

/** One run with its plan and events, asked for again whenever the stream says that it changed. */
export function useRun(id: string): UseQueryResult<Run> {
  const client = useClient();
  const queries = useQueryClient();
  const summary = useLive().runs.get(id);
  const askedAt = useRef(0);
  useEffect(() => {
    const wait = Math.max(0, askedAt.current + LEAST_MILLISECONDS - Date.now());
    const asking = setTimeout(() => {
      askedAt.current = Date.now();
      // A request under way answers with what is new as well, or the next change asks again.
      void queries.invalidateQueries({ queryKey: ['run', id], exact: true }, { cancelRefetch: false });
    }, wait);
    return () => clearTimeout(asking);
  }, [summary, id, queries]);
  return useQuery({
    queryKey: ['run', id],
    queryFn: () => client.run(id),
    refetchInterval: REFRESH_MILLISECONDS,
  });
}
