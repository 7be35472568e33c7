/** Microseconds since 1970 as Postgres reads them, to the microsecond. */
export function timestampText(microseconds: bigint): string {
  const milliseconds = microseconds / 1000n - (microseconds % 1000n < 0n ? 1n : 0n);
  const rest = microseconds - milliseconds * 1000n;
  const text = new Date(Number(milliseconds)).toISOString();
  return `${text.slice(0, -1)}${rest.toString().padStart(3, '0')}+00`;
}
