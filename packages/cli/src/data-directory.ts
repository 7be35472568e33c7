import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Finding } from '@brimful/connector';
import type { Limits } from '@brimful/model';
import { toProblem } from '@brimful/model';
import type { Store } from '@brimful/store';
import { formatBytes } from './terminal/format.ts';

export async function openStore(directory: string): Promise<Store> {
  const { openFileStore } = await import('@brimful/store-file');
  return openFileStore(directory);
}

/** Opens it beside a process that writes it. */
export async function openStoreReadonly(directory: string): Promise<Store> {
  const { openFileStore } = await import('@brimful/store-file');
  return openFileStore(directory, { readonly: true });
}

/** Whether journals can be kept there, and how much room there is. */
export async function checkDataDirectory(directory: string, limits: Limits): Promise<Finding[]> {
  const existing = nearestExisting(directory);
  if (!statSync(existing).isDirectory()) {
    return [
      {
        level: 'error',
        subject: 'place',
        message: `${existing} is a file.`,
        remedy: 'Set another dataDirectory.',
      },
    ];
  }
  try {
    accessSync(existing, constants.W_OK);
  } catch (error) {
    return [
      {
        level: 'error',
        subject: 'place',
        message: `${existing} cannot be written: ${toProblem(error).message}`,
        remedy: `Make it writable for the user who runs brimful, or set another dataDirectory.`,
      },
    ];
  }
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const enough = free > limits.diskFreeBytes;
  return [
    {
      level: enough ? 'ok' : 'error',
      subject: 'space',
      message: `${formatBytes(free)} are free; captures pause below ${formatBytes(limits.diskFreeBytes)}.`,
      ...(enough ? {} : { remedy: 'Make room, set another dataDirectory, or lower limits.diskFree.' }),
    },
  ];
}

function nearestExisting(directory: string): string {
  let path = directory;
  while (!existsSync(path)) path = dirname(path);
  return path;
}
