import type { CatalogChange } from '@brimful/model';
import { Code, Text } from '@mantine/core';
import { useState } from 'react';
import { Button } from '@mantine/core';
import { Estimated } from '../parts/estimated.tsx';
import { bytes, count } from '../words/quantity.ts';
import classes from './change-list.module.css';

/** More are folded away: a schema of a thousand tables is one thought. */
const SHOWN_AT_FIRST = 25;

const SIGNS = { add: '+', remove: '−', change: '~' } as const;

/** What changes and what happens because of it, in sentences. */
export function ChangeList({ changes }: { readonly changes: readonly CatalogChange[] }) {
  const [isAll, setIsAll] = useState(false);
  const shown = isAll ? changes : changes.slice(0, SHOWN_AT_FIRST);
  if (changes.length === 0) return <Text size="sm">Nothing that runs changes.</Text>;
  return (
    <div className={classes.box}>
      <ul className={classes.changes}>
        {shown.map((change) => (
          <Change
            key={`${change.kind} ${change.task} ${change.subject} ${change.sentence}`}
            change={change}
          />
        ))}
      </ul>
      {shown.length < changes.length && (
        <Button variant="default" size="compact-sm" m="xs" onClick={() => setIsAll(true)}>
          Show all {count(changes.length)}
        </Button>
      )}
    </div>
  );
}

function Change({ change }: { readonly change: CatalogChange }) {
  const { action, sentence, effect, consequence, rows, bytes: size, command } = change;
  return (
    <li className={classes.change} data-action={action}>
      <span className={classes.sign} aria-hidden="true">
        {SIGNS[action]}
      </span>
      <div>
        <Text size="sm" fw={600}>
          {sentence}
        </Text>
        <Text size="sm" className="quiet">
          {effect}
        </Text>
        {command !== null && (
          <Text size="xs" mt={4}>
            Afterwards: <Code>{command}</Code>
          </Text>
        )}
      </div>
      <div className={classes.cost}>
        {consequence !== 'none' && <span className={classes.consequence}>{consequence}</span>}
        {rows !== null && (
          <span>
            <Estimated text={`${count(rows.value)} rows`} quality={rows.quality} />
          </span>
        )}
        {size !== null && (
          <span>
            <Estimated text={bytes(size.value)} quality={size.quality} />
          </span>
        )}
      </div>
    </li>
  );
}
