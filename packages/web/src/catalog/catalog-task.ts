import type { ConnectorDescription } from '@brimful/api';
import type { CatalogText } from './catalog-text.ts';
import { shownIn } from './config-field.ts';
import { isPlainMap } from './plain-value.ts';
import type { PlainMap } from './plain-value.ts';

export type TaskKind = 'capture' | 'materialization';

/** Where each kind stands in the catalog. */
export const SECTIONS = { capture: 'captures', materialization: 'materializations' } as const;
/** What people call them in the pages. */
export const KIND_WORDS = { capture: 'source', materialization: 'destination' } as const;

const FIRST_PREFIX = 'app';
const NAME = /^[^/\s\p{Cc}][^/\p{Cc}]*(\/[^/\s\p{Cc}][^/\p{Cc}]*)*$/u;

export function taskNames(catalog: CatalogText, kind: TaskKind): readonly string[] {
  const section = catalog.at([SECTIONS[kind]]);
  return isPlainMap(section) ? Object.keys(section) : [];
}

export function configOf(catalog: CatalogText, kind: TaskKind, name: string): PlainMap {
  const config = catalog.at([SECTIONS[kind], name, 'config']);
  return isPlainMap(config) ? config : {};
}

/** As YAML reads it: an unquoted `null` is the connector of that name. */
export function connectorOf(catalog: CatalogText, kind: TaskKind, name: string): string | null {
  const task = catalog.at([SECTIONS[kind], name]);
  if (!isPlainMap(task) || !Object.hasOwn(task, 'connector')) return null;
  return shownIn(task['connector'] ?? 'null');
}

/** Connectors that can do this, and the schema of their config for it. */
export function connectorsFor(
  connectors: readonly ConnectorDescription[],
  kind: TaskKind,
): readonly ConnectorDescription[] {
  return connectors.filter((connector) => schemaFor(connector, kind) !== null);
}

export function schemaFor(
  connector: ConnectorDescription,
  kind: TaskKind,
): Readonly<Record<string, unknown>> | null {
  return kind === 'capture' ? connector.captureSchema : connector.materializationSchema;
}

/** A name nothing else has, that says what it is: `shop/postgres`. */
export function freeName(catalog: CatalogText, kind: TaskKind, connector: string): string {
  const taken = new Set(taskNames(catalog, kind));
  const first = taskNames(catalog, 'capture')[0]?.split('/')[0];
  const prefix = kind === 'materialization' && first !== undefined ? first : FIRST_PREFIX;
  for (let number = 1; ; number += 1) {
    const name = `${prefix}/${connector}${number === 1 ? '' : `-${number}`}`;
    if (!taken.has(name)) return name;
  }
}

/** What is wrong with a new name; null: nothing. */
export function nameComplaint(
  catalog: CatalogText,
  kind: TaskKind,
  old: string,
  name: string,
): string | null {
  if (!NAME.test(name)) return 'Words between single slashes, for example shop/postgres.';
  if (name !== old && taskNames(catalog, kind).includes(name)) return 'There is one of this name already.';
  return null;
}

/** A task with nothing but its connector and what has to be said about it. */
export function withNewTask(
  catalog: CatalogText,
  kind: TaskKind,
  name: string,
  connector: string,
): CatalogText {
  const captures = taskNames(catalog, 'capture');
  const only = captures.length === 1 ? captures[0] : undefined;
  const isWhole = kind === 'materialization' && only !== undefined;
  return catalog.with([SECTIONS[kind], name], {
    connector,
    config: {},
    ...(isWhole ? { source: only } : {}),
  });
}
