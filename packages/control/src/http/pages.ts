import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

/** Of all files of the pages together: they are served from memory. (Invariant 9) */
const PAGES_LIMIT_BYTES = 64 * 1024 * 1024;

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};

export interface Page {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  /** Named by its content: it never changes. */
  readonly isForever: boolean;
}

/** The built pages for the browser. What is not a file is `index.html`: the pages have addresses of their own. */
export class Pages {
  readonly #files: ReadonlyMap<string, Page>;

  private constructor(files: ReadonlyMap<string, Page>) {
    this.#files = files;
  }

  /** Reads them all at once: no request names a file on the disk. */
  static async read(directory: string | undefined): Promise<Pages> {
    const files = new Map<string, Page>();
    if (directory === undefined || !existsSync(directory)) return new Pages(files);
    let bytes = 0;
    for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const path = join(entry.parentPath, entry.name);
      const body = new Uint8Array(await readFile(path));
      bytes += body.length;
      if (bytes > PAGES_LIMIT_BYTES) break;
      const name = path.slice(directory.length).replaceAll('\\', '/');
      files.set(name.startsWith('/') ? name : `/${name}`, {
        body,
        type,
        isForever: name.includes('/assets/'),
      });
    }
    return new Pages(files);
  }

  get isEmpty(): boolean {
    return this.#files.size === 0;
  }

  /** Undefined: there is nothing there, and no page that could say so. */
  find(path: string): Page | undefined {
    const file = this.#files.get(path);
    if (file !== undefined) return file;
    // A missing script must not look like a page; names of tables may have dots.
    return path.startsWith('/assets/') ? undefined : this.#files.get('/index.html');
  }
}
