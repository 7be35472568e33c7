import type { SchemaVersion } from '@brimful/api';
import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { EmptyState } from '../parts/empty-state.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { CollectionSpec } from './collection-spec.tsx';
import classes from './schema-history.module.css';

const REFRESH_MILLISECONDS = 10_000;

/** Every shape that the rows of this generation have had, the newest first, each with what changed. */
export function SchemaHistory({ name }: { readonly name: string }) {
  const client = useClient();
  const asked = useQuery({
    queryKey: ['schemas', name],
    queryFn: () => client.schemas(name),
    refetchInterval: REFRESH_MILLISECONDS,
  });
  if (asked.data === undefined) {
    return asked.error === null ? (
      <Skeleton height={160} />
    ) : (
      <ProblemNote problem={problemOf(asked.error)} />
    );
  }
  const { generation, versions } = asked.data;
  if (versions.length === 0)
    return <EmptyState title="No schema yet">It is known as soon as the first row was captured.</EmptyState>;
  return (
    <>
      <p className="quiet">Of generation {generation}: a reset begins with a history of its own.</p>
      <ol className={classes.versions} aria-label="Versions of the schema">
        {versions.toReversed().map((version) => (
          <Version key={version.version} version={version} />
        ))}
      </ol>
    </>
  );
}

function Version({ version: each }: { readonly version: SchemaVersion }) {
  const { version, registeredAt, changes, columns } = each;
  return (
    <li>
      <div className={classes.when}>
        <strong>Version {version}</strong>
        <span className="quiet">
          {registeredAt === null ? 'time not noted' : <MomentText at={registeredAt} />}
        </span>
      </div>
      <div className={classes.what}>
        {changes.length === 0 ? (
          <span>The first, with {columns.length} columns.</span>
        ) : (
          <ul>
            {changes.map(({ sentence, isWidening }) => (
              <li key={sentence}>
                <StateMark state={isWidening ? 'ok' : 'warning'} label={sentence} />
                {!isWidening && <span className="quiet"> readers should know</span>}
              </li>
            ))}
          </ul>
        )}
        <details>
          <summary>All its columns</summary>
          <CollectionSpec schema={{ version, columns, key: each.key }} />
        </details>
      </div>
    </li>
  );
}
