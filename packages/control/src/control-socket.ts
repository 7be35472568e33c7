import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '@brimful/model';

const SOCKET = 'control.sock';
/** Where the socket is, when it is not in the data directory itself. */
const POINTER = 'control.json';
/** 104 on macOS, 108 on Linux, with the byte that ends it. */
const LONGEST_PATH_BYTES = 100;
const PRIVATE_DIRECTORY = 0o700;
const PRIVATE_FILE = 0o600;

/**
 * Where the pipe on a data directory is to listen. A path too long for a socket is replaced by one in the temporary
 * directory, which `control.json` in the data directory then names.
 */
export function chooseSocket(dataDirectory: string): string {
  const near = join(resolve(dataDirectory), SOCKET);
  const pointer = join(dataDirectory, POINTER);
  if (Buffer.byteLength(near) <= LONGEST_PATH_BYTES) {
    rmSync(pointer, { force: true });
    return near;
  }
  const hash = createHash('sha256').update(near).digest('hex').slice(0, 16);
  const socket = join(tmpdir(), `brimful-${hash}`, SOCKET);
  if (Buffer.byteLength(socket) > LONGEST_PATH_BYTES) {
    throw new Problem(
      'BRM-CONTROL-PATH',
      `There is no place for the control socket: ${socket} is too long.`,
      {
        remedy: 'Set TMPDIR to a shorter path, or use a dataDirectory with a shorter one.',
      },
    );
  }
  makePrivate(dirname(socket));
  writeFileSync(pointer, `${JSON.stringify({ socket })}\n`, { mode: PRIVATE_FILE });
  return socket;
}

/** Where a pipe on the data directory listens, if one does. */
export function findSocket(dataDirectory: string): string | undefined {
  const pointer = join(dataDirectory, POINTER);
  const socket = existsSync(pointer) ? pointedAt(pointer) : join(resolve(dataDirectory), SOCKET);
  return socket !== undefined && existsSync(socket) ? socket : undefined;
}

export function removeSocket(dataDirectory: string, socket: string): void {
  rmSync(socket, { force: true });
  if (dirname(socket) === resolve(dataDirectory)) return;
  rmSync(join(dataDirectory, POINTER), { force: true });
  rmSync(dirname(socket), { recursive: true, force: true });
}

function pointedAt(pointer: string): string | undefined {
  const written: unknown = JSON.parse(readFileSync(pointer, 'utf8'));
  if (typeof written !== 'object' || written === null || !('socket' in written)) return undefined;
  return typeof written.socket === 'string' ? written.socket : undefined;
}

/** Anybody may write to the temporary directory: a directory that somebody else prepared there is refused. */
function makePrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: PRIVATE_DIRECTORY });
  const { uid, mode } = lstatSync(directory);
  const ours = process.getuid === undefined || uid === process.getuid();
  if (lstatSync(directory).isDirectory() && ours && (mode & 0o077) === 0) return;
  throw new Problem('BRM-CONTROL-PATH', `${directory} belongs to somebody else, or others may enter it.`, {
    remedy: `Remove it, or use a dataDirectory with a path shorter than ${LONGEST_PATH_BYTES - SOCKET.length} bytes.`,
  });
}
