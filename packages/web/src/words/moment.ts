export type ClockZone = 'UTC' | 'local';

/** `2026-11-22 14:03:07` in the zone the reader has chosen. */
export function moment(milliseconds: number | null | undefined, zone: ClockZone): string {
  if (milliseconds === null || milliseconds === undefined) return '–';
  const format = new Intl.DateTimeFormat('sv-SE', {
    dateStyle: 'short',
    timeStyle: 'medium',
    ...(zone === 'UTC' ? { timeZone: 'UTC' } : {}),
  });
  return format.format(milliseconds);
}

export function localZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

export function ago(milliseconds: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - milliseconds) / 1000));
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}
