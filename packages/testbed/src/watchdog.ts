import { spawn } from 'node:child_process';

import type { ServerAccount } from './server-account.ts';

/** Ends a server whose owner died, however it died: kill -9 leaves no handler a chance. */
export interface Watchdog {
  /** The owner has ended the server itself: the watchdog goes without touching anything. */
  dismiss(): void;
}

/**
 * Waits for its standard input to end, which the kernel does when the owner is gone. Then it asks the server
 * named in `$1/postmaster.pid` to stop fast, insists after ten seconds, and removes `$2` if one is given.
 */
const SCRIPT = `
trap '' INT TERM HUP
if read -r word && [ "$word" = dismissed ]; then exit 0; fi
pid=$(head -n 1 "$1/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -INT "$pid" 2>/dev/null
  tries=0
  while kill -0 "$pid" 2>/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -eq 100 ] && kill -QUIT "$pid" 2>/dev/null
    [ "$tries" -ge 200 ] && break
    sleep 0.1
  done
fi
[ -z "$2" ] || rm -rf "$2"
`;

export function startWatchdog(
  dataDirectory: string,
  removeDirectory: string | undefined,
  account: ServerAccount | undefined,
): Watchdog {
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', dataDirectory, removeDirectory ?? ''], {
    ...account,
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  return { dismiss: () => void child.stdin.end('dismissed\n') };
}
