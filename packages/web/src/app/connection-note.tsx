import { useEffect, useState } from 'react';
import { StateMark } from '../parts/state-mark.tsx';
import { useLive } from '../server/server-context.tsx';
import { ago } from '../words/moment.ts';

const TICK_MILLISECONDS = 1000;

/** Whether what is on the page is true now. */
export function ConnectionNote() {
  const { connection, heardAt } = useLive();
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), TICK_MILLISECONDS);
    return () => clearInterval(ticking);
  }, []);
  if (connection === 'live') return <StateMark state="live" label="Live" />;
  if (connection === 'connecting') return <StateMark state="starting" label="Connecting" />;
  return (
    <span role="status">
      <StateMark state="stale" label={`Connection lost: this is from ${ago(heardAt ?? now, now)}`} />
    </span>
  );
}
