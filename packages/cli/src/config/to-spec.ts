import type {
  AutoDiscover,
  CaptureBindingSpec,
  CaptureSpec,
  CollectionSpec,
  MaterializationSpec,
  Problem,
  Spec,
} from '@brimful/model';
import {
  collectionPrefix,
  DEFAULT_DISK_FREE_BYTES,
  DEFAULT_MEMORY_BYTES,
  defaultTable,
} from '@brimful/model';
import type { Connector } from '@brimful/connector';
import type { ConnectorRegistry } from '../connectors.ts';
import type { ConfigDocument } from './document.ts';
import { problemAt } from './document.ts';
import { suggestion } from './nearest.ts';
import { withAbsolutePaths } from './absolute-paths.ts';
import type { Config } from './schema.ts';
import { validate } from './validate.ts';

type Role = 'capture' | 'destination';

interface Context {
  readonly document: ConfigDocument;
  readonly directory: string;
  readonly connectors: ConnectorRegistry;
  readonly problems: Problem[];
}

/** Turns a valid file into a spec: defaults filled in, each connector's own schema applied. Collects problems. */
export async function toSpec(
  config: Config,
  document: ConfigDocument,
  /** What relative paths in connectors' configs are relative to. */
  directory: string,
  connectors: ConnectorRegistry,
  problems: Problem[],
): Promise<Spec> {
  const context: Context = { document, directory, connectors, problems };
  const captures: CaptureSpec[] = [];
  for (const [name, written] of Object.entries(config.captures)) {
    const at = ['captures', name];
    captures.push({
      name,
      connector: written.connector,
      config: await connectorConfig(written, at, 'capture', context),
      bindings: captureBindings(name, written.bindings, document),
      autoDiscover: autoDiscoverOf(name, written),
      at: document.keyPlaceOf(at),
    });
  }
  const materializations: MaterializationSpec[] = [];
  for (const [name, written] of Object.entries(config.materializations)) {
    const at = ['materializations', name];
    materializations.push({
      name,
      connector: written.connector,
      config: await connectorConfig(written, at, 'destination', context),
      source: written.source,
      bindings: written.bindings.map((binding, index) => ({
        source: binding.source,
        table: binding.table ?? defaultTable(binding.source),
        deletes: binding.deletes ?? written.deletes,
        adopt: binding.adopt ?? written.adopt,
        at: document.placeOf([...at, 'bindings', index]),
      })),
      deletes: written.deletes,
      adopt: written.adopt,
      at: document.keyPlaceOf(at),
    });
  }
  const collections: CollectionSpec[] = Object.keys(config.collections).map((name) => ({
    name,
    at: document.keyPlaceOf(['collections', name]),
  }));
  const { diskFree, diskUsed, memory, retention } = config.limits;
  return {
    captures,
    collections,
    materializations,
    limits: {
      diskFreeBytes: diskFree ?? DEFAULT_DISK_FREE_BYTES,
      diskUsedBytes: diskUsed,
      memoryBytes: memory ?? DEFAULT_MEMORY_BYTES,
      retentionMilliseconds: retention,
    },
  };
}

type WrittenCapture = Config['captures'][string];

function captureBindings(
  capture: string,
  written: WrittenCapture['bindings'],
  document: ConfigDocument,
): CaptureBindingSpec[] {
  return written.map((binding, index) => ({
    resource: binding.resource,
    target: binding.target ?? `${collectionPrefix(capture)}/${tablePart(binding.resource)}`,
    at: document.placeOf(['captures', capture, 'bindings', index]),
  }));
}

/** `public.orders` → `orders`, `sales.orders` → `sales/orders`, as connectors suggest it for discovered tables. */
function tablePart(resource: string): string {
  const parts = resource.split('.').map((part) => part.replaceAll(/^"|"$/g, '').replaceAll('/', '_'));
  return (parts[0] === 'public' ? parts.slice(1) : parts).join('/');
}

function autoDiscoverOf(capture: string, written: WrittenCapture): AutoDiscover | undefined {
  const wanted = written.autoDiscover ?? written.bindings.length === 0;
  if (wanted === false) return undefined;
  if (wanted === true) return { schemas: undefined, exclude: [], prefix: collectionPrefix(capture) };
  return {
    schemas: wanted.schemas,
    exclude: wanted.exclude,
    prefix: wanted.prefix ?? collectionPrefix(capture),
  };
}

async function connectorConfig(
  written: { readonly connector: string; readonly config?: unknown },
  at: readonly string[],
  role: Role,
  { document, directory, connectors, problems }: Context,
): Promise<unknown> {
  const name = written.connector;
  const refuse = (message: string, remedy: string): undefined => {
    problems.push(problemAt('BRM-CONFIG-CONNECTOR', message, document.placeOf([...at, 'connector']), remedy));
    return undefined;
  };
  if (!connectors.names.includes(name)) {
    return refuse(
      `There is no connector called ${JSON.stringify(name)}.`,
      suggestion(name, connectors.names, 'connector'),
    );
  }
  const connector: Connector = await connectors.load(name);
  const side = connector[role];
  if (side === undefined) {
    const able = role === 'capture' ? 'be captured from' : 'be materialized into';
    return refuse(`${connector.title} cannot ${able}.`, 'Choose another connector here.');
  }
  const configAt = [...at, 'config'];
  const input = withAbsolutePaths(written.config ?? {}, directory);
  const result = validate(side.config, input, document, configAt);
  if (result.ok) return result.value;
  problems.push(...result.problems);
  return undefined;
}
