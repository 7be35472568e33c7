import type { ConnectorDescription } from '@brimful/api';
import type { Catalog } from '@brimful/model';
import { Skeleton, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { ProblemNote } from '../parts/problem-note.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { useCatalog } from './use-catalog-draft.ts';

interface WithCatalogProps {
  readonly children: (catalog: Catalog, connectors: readonly ConnectorDescription[]) => ReactNode;
}

/** Draws with the catalog once it is there; until then says that it is on its way, or why it is not. */
export function WithCatalog({ children }: WithCatalogProps) {
  const client = useClient();
  const catalog = useCatalog();
  const connectors = useQuery({
    queryKey: ['connectors'],
    queryFn: () => client.connectors(),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (catalog.data !== undefined && connectors.data !== undefined) {
    return children(catalog.data, connectors.data);
  }
  const error = catalog.error ?? connectors.error;
  if (error !== null) return <ProblemNote problem={problemOf(error)} />;
  return (
    <Stack role="status" aria-label="Loading the catalog">
      <Skeleton height={90} />
      <Skeleton height={420} />
    </Stack>
  );
}
