import type { LogEntry } from '@brimful/api';

export interface LogFilter {
  readonly level: LogEntry['level'];
  /** Of message and fields; capitals do not matter. */
  readonly text: string;
  /** Null: of everything. */
  readonly task: string | null;
}

const LEVELS: readonly LogEntry['level'][] = ['info', 'warn', 'error'];

export function isWanted(entry: LogEntry, { level, text, task }: LogFilter): boolean {
  if (LEVELS.indexOf(entry.level) < LEVELS.indexOf(level)) return false;
  if (task !== null && !isAbout(entry, task)) return false;
  const sought = text.trim().toLowerCase();
  return sought === '' || `${entry.message} ${fieldsText(entry)}`.toLowerCase().includes(sought);
}

/** Whether a line is of a capture, materialization, collection or run: one of its fields says so. */
export function isAbout({ fields, message }: LogEntry, task: string): boolean {
  const says = (value: unknown): boolean => {
    if (typeof value === 'string') return value === task;
    return typeof value === 'object' && value !== null && Object.values(value).some(says);
  };
  return says(fields) || message.includes(task);
}

/** `slot=brimful_shop at=16/B37`: what a line has besides its message. */
export function fieldsText({ fields }: LogEntry): string {
  return Object.entries(fields)
    .map(
      ([name, value]) =>
        `${name}=${typeof value === 'string' && !/\s/u.test(value) ? value : JSON.stringify(value)}`,
    )
    .join(' ');
}

/** For the clipboard: a line a line, as a terminal would have it. */
export function linesText(entries: readonly LogEntry[]): string {
  return entries
    .map((entry) => {
      const { at, level, message } = entry;
      return `${new Date(at).toISOString()} ${level} ${message} ${fieldsText(entry)}`.trimEnd();
    })
    .join('\n');
}

/** A line of one server's life: another life counts from 1 again. */
export function keyOf({ at, sequence }: LogEntry): string {
  return `${at}-${sequence}`;
}
