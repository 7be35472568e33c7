import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Section } from '../parts/section.tsx';
import { useLogs } from '../server/server-context.tsx';
import { LogLines } from './log-lines.tsx';
import { isAbout } from './log-words.ts';

const LINES = 50;
const HEIGHT = 260;

/** The newest lines about one task. */
export function TaskLogs({ task }: { readonly task: string }) {
  const lines = useLogs();
  const own = useMemo(
    () => (lines ?? []).filter((entry) => isAbout(entry, task)).slice(-LINES),
    [lines, task],
  );
  return (
    <Section
      title="Logs"
      note={
        <Link to="/logs" search={{ task } as never} className="plain">
          All lines about it
        </Link>
      }
    >
      {own.length === 0 ? (
        <p className="quiet">{lines === null ? 'Loading…' : 'Nothing was said about it since the start.'}</p>
      ) : (
        <LogLines label={`Log lines of ${task}`} entries={own} follows height={HEIGHT} />
      )}
    </Section>
  );
}
