import type { CaptureSpec } from '@brimful/model';
import type { Registry } from '@brimful/store';

/** Collections that a capture makes, by what the store knows: the source is not asked. */
export async function knownCollections(registry: Registry, capture: CaptureSpec): Promise<readonly string[]> {
  const records = await registry.list('schemas/');
  const names = records.map(({ key }) => key.slice('schemas/'.length, key.lastIndexOf('/')));
  return [...new Set(names)].filter((collection) => mayFeed(capture, collection));
}

function mayFeed({ bindings, autoDiscover }: CaptureSpec, collection: string): boolean {
  return (
    bindings.some(({ target }) => target === collection) ||
    (autoDiscover !== undefined && collection.startsWith(`${autoDiscover.prefix}/`))
  );
}
