import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The account a server process runs as. Postgres refuses to run as root, so root lends it an unprivileged
 * account; anybody else runs it as themselves (`undefined`).
 */
export interface ServerAccount {
  readonly uid: number;
  readonly gid: number;
}

const PREFERRED_ACCOUNTS = ['postgres', 'nobody'];

export function serverAccount(): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of PREFERRED_ACCOUNTS) {
    const fields = lines.find((line) => line.startsWith(`${name}:`))?.split(':');
    const [uid, gid] = [Number(fields?.[2]), Number(fields?.[3])];
    if (uid > 0 && gid > 0) return { uid, gid };
  }
  throw new Error(
    `Postgres refuses to run as root and neither ${PREFERRED_ACCOUNTS.join(' nor ')} is in /etc/passwd: ` +
      `run this as an ordinary user, or create one of them.`,
  );
}

/** A new directory that the account owns and can reach, even where TMPDIR is private to root. */
export function makeServerHome(account: ServerAccount | undefined): string {
  for (const parent of new Set([tmpdir(), '/tmp', '/var/tmp'])) {
    if (!canReach(account, parent)) continue;
    const home = mkdtempSync(join(parent, 'brimful-postgres-'));
    if (account !== undefined) chownSync(home, account.uid, account.gid);
    chmodSync(home, 0o700);
    return home;
  }
  throw new Error(
    `No temporary directory is reachable for the server's account (tried ${tmpdir()}, /tmp, /var/tmp).`,
  );
}

/** Whether the account can enter every directory on the way to `path`. */
export function canReach(account: ServerAccount | undefined, path: string): boolean {
  const { status } = spawnSync('/bin/sh', ['-c', 'test -x "$1" && test -r "$1"', 'sh', path], {
    ...account,
    cwd: '/',
  });
  return status === 0;
}
