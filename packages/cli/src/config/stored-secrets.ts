import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, parseDocument } from 'yaml';
import { openStoreReadonly } from '../data-directory.ts';
import { SecretBook } from '../secrets/secret-book.ts';
import { hideVariables, replaceVariables } from './interpolation.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment lacks of the variables that a text names, and the data directory keeps as secrets. */
export async function storedSecrets(
  text: string,
  path: string,
  environment: Environment,
): Promise<Readonly<Record<string, string>>> {
  const missing = new Set(
    hideVariables(text).variables.flatMap(({ name, literal }) =>
      literal || environment[name] !== undefined ? [] : [name],
    ),
  );
  if (missing.size === 0) return {};
  const dataDirectory = dataDirectoryOf(text, path, environment);
  if (!existsSync(resolve(dataDirectory, 'store.db'))) return {};
  await using store = await openStoreReadonly(dataDirectory);
  const book = new SecretBook({ registry: store.registry, dataDirectory, environment, now: Date.now });
  return await book.values(missing);
}

/** Where a text says its data directory is; also of one that is not valid (yet). */
export function dataDirectoryOf(text: string, path: string, environment: Environment): string {
  const interpolation = hideVariables(text);
  const { contents } = parseDocument(interpolation.text, { prettyErrors: false });
  const found = isMap(contents)
    ? contents.items.find(({ key }) => isScalar(key) && key.value === 'dataDirectory')?.value
    : undefined;
  const written = isScalar(found) && typeof found.value === 'string' ? found.value : './data';
  const filled = replaceVariables(
    written,
    interpolation,
    ({ name, otherwise, source }) => environment[name] ?? otherwise ?? source,
  );
  return resolve(dirname(path), filled);
}
