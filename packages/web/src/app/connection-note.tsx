import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { StateMark } from '../parts/state-mark.tsx';
import { useLive } from '../server/server-context.tsx';
import { ago } from '../words/moment.ts';

const TICK_MILLISECONDS = 1000;

/** Whether what is on the page is true now. */
export function ConnectionNote() {
  const { connection, heardAt, status, isRefused } = useLive();
  const queries = useQueryClient();
  useEffect(() => {
    if (isRefused) void queries.invalidateQueries({ queryKey: ['session'] });
  }, [isRefused, queries]);
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), TICK_MILLISECONDS);
    return () => clearInterval(ticking);
  }, []);
  if (connection === 'live') return <LiveNote reloading={status?.reloading} />;
  if (connection === 'connecting') return <StateMark state="starting" label="Connecting" />;
  return (
    <span role="status">
      <StateMark state="stale" label={`Connection lost: this is from ${ago(heardAt ?? now, now)}`} />
    </span>
  );
}

/** While another catalog is taken up, numbers stand still: that is said. */
function LiveNote({ reloading }: { readonly reloading: string | undefined }) {
  if (reloading === undefined) return <StateMark state="live" label="Live" />;
  return (
    <span role="status">
      <StateMark state="starting" label={reloading} />
    </span>
  );
}
