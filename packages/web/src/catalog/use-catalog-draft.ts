import type { Catalog } from '@brimful/model';
import type { UseQueryResult } from '@tanstack/react-query';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import { useClient } from '../server/server-context.tsx';
import { CatalogText } from './catalog-text.ts';

/** The catalog while somebody edits it, as text and as what the text says. */
export interface CatalogDraft {
  /** As it was when editing began. */
  readonly base: Catalog;
  readonly current: CatalogText;
  /** The newest that could be read: `current`, or what it was before it was broken. */
  readonly readable: CatalogText;
  readonly isChanged: boolean;
  /** Somebody else published meanwhile. */
  readonly isOvertaken: boolean;
  readonly write: (text: string) => void;
  /** Edits what the text says. Does nothing while it cannot be read. */
  readonly edit: (change: (catalog: CatalogText) => CatalogText) => void;
  /** Gives up all edits and begins with what is there now. */
  readonly reset: () => void;
}

interface Editing {
  readonly base: Catalog;
  readonly current: CatalogText;
  readonly readable: CatalogText;
}

/** How often it is looked whether somebody else published. */
const LOOK_MILLISECONDS = 15_000;

export function useCatalog(): UseQueryResult<Catalog> {
  const client = useClient();
  return useQuery({
    queryKey: ['catalog'],
    queryFn: () => client.catalog(),
    refetchInterval: LOOK_MILLISECONDS,
  });
}

export function useCatalogDraft(newest: Catalog): CatalogDraft {
  const [editing, setEditing] = useState<Editing>(() => begun(newest));
  const isChanged = editing.current.text !== editing.base.text;
  // Nothing is lost by following what is published as long as nothing was edited.
  const isBehind = newest.revision !== editing.base.revision;
  const isSame = newest.text === editing.current.text;
  if (isBehind && (!isChanged || isSame)) setEditing(begun(newest));
  const write = useCallback(
    (text: string) => setEditing((before) => taken(before, CatalogText.parse(text))),
    [],
  );
  const edit = useCallback(
    (change: (catalog: CatalogText) => CatalogText) =>
      setEditing((before) => (before.current.isReadable ? taken(before, change(before.current)) : before)),
    [],
  );
  const reset = useCallback(() => setEditing(begun(newest)), [newest]);
  return useMemo(
    () => ({ ...editing, isChanged, isOvertaken: isBehind && isChanged && !isSame, write, edit, reset }),
    [editing, isChanged, isBehind, isSame, write, edit, reset],
  );
}

function begun(base: Catalog): Editing {
  const current = CatalogText.parse(base.text);
  return { base, current, readable: current };
}

function taken({ base, readable }: Editing, current: CatalogText): Editing {
  return { base, current, readable: current.isReadable ? current : readable };
}
