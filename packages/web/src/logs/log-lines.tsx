import type { LogEntry } from '@brimful/api';
import { useEffect, useRef } from 'react';
import { MomentText } from '../parts/moment-text.tsx';
import { fieldsText, keyOf } from './log-words.ts';
import classes from './log-lines.module.css';

/** More are not drawn: whoever wants an older one filters. */
const DRAWN_LIMIT = 500;
const LEVEL_WORDS = { info: 'info', warn: 'warning', error: 'error' } as const;

/** Log lines, the newest at the bottom; `follows`: kept in view as they come. */
export function LogLines({
  entries,
  follows,
  label,
  height,
}: {
  readonly entries: readonly LogEntry[];
  readonly follows: boolean;
  readonly label: string;
  readonly height: number;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const newest = entries.at(-1);
  useEffect(() => {
    if (follows && newest !== undefined) scroller.current?.scrollTo({ top: scroller.current.scrollHeight });
  }, [follows, newest]);
  const hidden = Math.max(0, entries.length - DRAWN_LIMIT);
  return (
    <div
      ref={scroller}
      className={classes.lines}
      style={{ maxHeight: height }}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={label}
    >
      {hidden > 0 && (
        <div className={classes.note}>{hidden} older lines are not drawn: filter to see them.</div>
      )}
      {entries.slice(hidden).map((entry) => (
        <div key={keyOf(entry)} className={classes.line} data-level={entry.level}>
          <span className={classes.when}>
            <MomentText at={entry.at} />
          </span>
          <span className={classes.level}>{LEVEL_WORDS[entry.level]}</span>
          <span className={classes.text}>
            {entry.message} <span className={classes.fields}>{fieldsText(entry)}</span>
          </span>
        </div>
      ))}
    </div>
  );
}
