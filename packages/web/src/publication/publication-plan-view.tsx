import type { PublicationPlan } from '@brimful/model';
import { Alert, List, Stack, Text } from '@mantine/core';
import { ConnectionFindings } from '../catalog/connection-findings.tsx';
import { Estimated } from '../parts/estimated.tsx';
import { Section } from '../parts/section.tsx';
import { bytes, count } from '../words/quantity.ts';
import { CatalogProblems } from './catalog-problems.tsx';
import { ChangeList } from './change-list.tsx';
import { diffSize, TextDiff } from './text-diff.tsx';

interface PublicationPlanViewProps {
  readonly plan: PublicationPlan;
  readonly onJump?: ((line: number, column: number) => void) | undefined;
}

/** What publishing would do: in sentences, in lines, and what stands in its way. */
export function PublicationPlanView({ plan, onJump }: PublicationPlanViewProps) {
  const { problems, blocked, warnings, changes, findings, diff } = plan;
  return (
    <Stack gap="md">
      <CatalogProblems problems={problems} onJump={onJump} />
      <Sentences title="This stands in the way" color="red" sentences={blocked} />
      <Sentences title="Good to know" color="yellow" sentences={warnings} />
      {problems.length === 0 && (
        <Section title="What happens" note={<Cost plan={plan} />}>
          <ChangeList changes={changes} />
        </Section>
      )}
      {findings.length > 0 && (
        <Section title="Connections" note="Tried while this was planned. Nothing was changed.">
          <ConnectionFindings findings={findings} />
        </Section>
      )}
      <Section
        title="Lines that change"
        note={diff.length === 0 ? 'The file stays as it is.' : diffSize(diff)}
      >
        {diff.length > 0 && <TextDiff hunks={diff} label="Lines of the file that change" />}
      </Section>
    </Stack>
  );
}

function Cost({ plan: { changes, rows, bytes: size } }: { readonly plan: PublicationPlan }) {
  if (rows === null && size === null) {
    const isRead = changes.some(({ consequence }) => consequence === 'first read' || consequence === 'load');
    return isRead ? <>How much is read for it is not known.</> : <>Nothing has to be read for it.</>;
  }
  return (
    <>
      In all {rows !== null && <Estimated text={`${count(rows.value)} rows`} quality={rows.quality} />}
      {rows !== null && size !== null && ', '}
      {size !== null && <Estimated text={bytes(size.value)} quality={size.quality} />} are read.
    </>
  );
}

interface SentencesProps {
  readonly title: string;
  readonly color: string;
  readonly sentences: readonly string[];
}

function Sentences({ title, color, sentences }: SentencesProps) {
  if (sentences.length === 0) return null;
  return (
    <Alert
      variant="outline"
      color={color}
      title={title}
      role={color === 'red' ? 'alert' : 'status'}
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      {sentences.length === 1 ? (
        <Text size="sm">{sentences[0]}</Text>
      ) : (
        <List size="sm">
          {sentences.map((sentence) => (
            <List.Item key={sentence}>{sentence}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  );
}

/** Why it cannot be applied; null: it can. */
export function hindranceOf({ problems, blocked, diff, changes }: PublicationPlan): string | null {
  if (problems.length > 0) return 'There are problems to mend first.';
  if (blocked.length > 0) return 'Something stands in the way: see above.';
  return diff.length === 0 && changes.length === 0 ? 'There is nothing to publish.' : null;
}
