/**
 * Named places where a test may end the process as a power cut would. `BRIMFUL_CRASH_AT=chunk.passed:3` kills it with
 * SIGKILL the third time it gets there. Without the variable, a name costs nothing.
 */
export function crashPoints(setting: string | undefined): (point: string) => void {
  if (setting === undefined || setting === '') return () => undefined;
  const [name, count] = setting.split(':');
  let left = Number(count ?? '1');
  return (point) => {
    if (point !== name) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
}
