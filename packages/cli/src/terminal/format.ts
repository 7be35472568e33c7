/** Numbers as people read them: three digits that matter, and a unit. */

const COUNT_UNITS = ['', ' k', ' M', ' G', ' T', ' P'];
const BYTE_UNITS = [' B', ' kB', ' MB', ' GB', ' TB', ' PB'];

/** `999`, `1.23 M`. */
export function formatCount(count: number): string {
  return scaled(count, COUNT_UNITS);
}

/** `746 MB`, in thousands as disks are sold. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, BYTE_UNITS);
}

function scaled(value: number, units: readonly string[]): string {
  let scaledValue = Math.max(0, value);
  let unit = 0;
  // 999.5 would print as 1000.
  while (scaledValue >= (unit === 0 ? 1000 : 999.5) && unit < units.length - 1) {
    scaledValue /= 1000;
    unit += 1;
  }
  if (unit === 0) return `${Math.round(scaledValue)}${units[0] ?? ''}`;
  const digits = scaledValue < 9.995 ? 2 : scaledValue < 99.95 ? 1 : 0;
  return `${scaledValue.toFixed(digits)}${units[unit] ?? ''}`;
}

/** `12 ms`, `1.2 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function formatMilliseconds(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (milliseconds < 9950) return `${(milliseconds / 1000).toFixed(1)} s`;
  return formatSeconds(milliseconds / 1000);
}

export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  if (whole < 86_400) return two(Math.floor(whole / 3600), 'h', Math.floor((whole % 3600) / 60), 'min');
  return two(Math.floor(whole / 86_400), 'd', Math.floor((whole % 86_400) / 3600), 'h');
}

/** Never wider than 8 columns, for the table: `45 s`, `3 min`, `2 h`. */
export function formatShortSeconds(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, Math.ceil(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

/** `1 table`, `2 tables`. */
export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}
