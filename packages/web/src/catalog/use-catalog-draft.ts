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
  /** What is written now was published. */
  readonly settle: () => void;
}

interface Editing {
  readonly base: Catalog;
  readonly current: CatalogText;
  readonly readable: CatalogText;
  /** The text that was published from here last. */
  readonly published: string | null;
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
  const { base, current, published } = editing;
  // What was published comes back with its secrets masked: it is still what was written here.
  const isSettled = current.text === base.text || current.text === published;
  const isBehind = newest.revision !== base.revision;
  // Nothing is lost by following what is published as long as nothing was edited.
  if (isBehind && (isSettled || current.text === newest.text)) setEditing(begun(newest));
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
  const settle = useCallback(
    () => setEditing((before) => ({ ...before, published: before.current.text })),
    [],
  );
  return useMemo(
    () => ({
      ...editing,
      isChanged: !isSettled,
      isOvertaken: isBehind && !isSettled && current.text !== newest.text,
      write,
      edit,
      reset,
      settle,
    }),
    [editing, isSettled, isBehind, current, newest, write, edit, reset, settle],
  );
}

function begun(base: Catalog): Editing {
  const current = CatalogText.parse(base.text);
  return { base, current, readable: current, published: null };
}

function taken(before: Editing, current: CatalogText): Editing {
  return { ...before, current, readable: current.isReadable ? current : before.readable };
}
