import { join, sep } from 'node:path';
import { Problem } from '@brimful/model';

/**
 * A blob's name as a path and back. Each segment is written so that no two names meet on a file system that
 * ignores case, no segment leaves the directory, and a blob `a` can stand beside a blob `a/b`.
 */
const SUFFIX = '.blob';

export function blobPath(directory: string, name: string): string {
  const segments = name.split('/');
  const file = segments.pop() ?? '';
  return join(
    directory,
    ...segments.map((segment) => encode(segment, name)),
    `${encode(file, name)}${SUFFIX}`,
  );
}

/** Undefined for files that are no blobs. `path` is relative to the blobs' directory. */
export function blobName(path: string): string | undefined {
  if (!path.endsWith(SUFFIX)) return undefined;
  return path.slice(0, -SUFFIX.length).split(sep).map(decodeURIComponent).join('/');
}

function encode(segment: string, name: string): string {
  if (segment === '' || segment === '.' || segment === '..' || !segment.isWellFormed()) {
    throw new Problem(
      'BRM-STORE-BLOB-NAME',
      `'${name}' cannot name a blob: it has an empty, '.' or '..' segment.`,
      {
        kind: 'bug',
      },
    );
  }
  return encodeURIComponent(segment)
    .replace(/^\.|\.$|[*']/g, percent)
    .replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase())
    .replace(/[A-Z]/g, percent)
    .replace(/\.blob$/, '%2eblob');
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
