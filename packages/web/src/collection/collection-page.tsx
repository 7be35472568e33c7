import type { CollectionDetail } from '@brimful/api';
import { Button, Skeleton, Tabs } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { Fact, Facts } from '../parts/fact.tsx';
import { NameLink } from '../parts/name-link.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { bytes, count } from '../words/quantity.ts';
import { CollectionPreview } from './collection-preview.tsx';
import { CollectionReaders } from './collection-readers.tsx';
import { CollectionSpec } from './collection-spec.tsx';
import { SchemaHistory } from './schema-history.tsx';

const REFRESH_MILLISECONDS = 2000;

export function CollectionPage() {
  const { name } = useParams({ from: '/collections/$name' });
  const client = useClient();
  const detail = useQuery({
    queryKey: ['collection', name],
    queryFn: () => client.collection(name),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  if (detail.data !== undefined) return <CollectionView detail={detail.data} />;
  return (
    <Page title={name}>
      {detail.error === null ? <Skeleton height={300} /> : <ProblemNote problem={problemOf(detail.error)} />}
    </Page>
  );
}

function CollectionView({ detail }: { readonly detail: CollectionDetail }) {
  const { collection, generation, nextGeneration, previousGeneration, schema } = detail;
  const { name, capture, resource, phase, journal } = collection;
  return (
    <Page
      title={name}
      state={phase}
      above={<span className="quiet">Collection</span>}
      sentence={
        <>
          <StateMark state={phase} /> · {resource} of <NameLink kind="capture" name={capture} />
        </>
      }
      actions={
        <Button
          component={Link}
          to={`/backfill?task=${encodeURIComponent(capture)}&binding=${encodeURIComponent(name)}`}
          variant="default"
        >
          Backfill…
        </Button>
      }
    >
      <Facts>
        <Fact name="Rows read" note="by backfills">
          {count(collection.rowsRead)}
        </Fact>
        <Fact name="Changes" note="since the start">
          {count(collection.changes)}
        </Fact>
        <Fact name="Journal" note={`offsets ${count(journal.first)} to ${count(journal.next)}`}>
          {bytes(journal.bytes)}
        </Fact>
        <Fact
          name="Generation"
          note={
            nextGeneration !== null
              ? `${nextGeneration} is being built`
              : previousGeneration !== null
                ? `${previousGeneration} can be gone back to`
                : 'the only one'
          }
        >
          {generation}
        </Fact>
      </Facts>
      <Tabs defaultValue="preview" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="preview">Data preview</Tabs.Tab>
          <Tabs.Tab value="spec">Spec</Tabs.Tab>
          <Tabs.Tab value="history">Schema history</Tabs.Tab>
          <Tabs.Tab value="readers">Writers and readers</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="preview" pt="md">
          <CollectionPreview name={name} />
        </Tabs.Panel>
        <Tabs.Panel value="spec" pt="md">
          <CollectionSpec schema={schema} />
        </Tabs.Panel>
        <Tabs.Panel value="history" pt="md">
          <SchemaHistory name={name} />
        </Tabs.Panel>
        <Tabs.Panel value="readers" pt="md">
          <CollectionReaders collection={collection} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  );
}
