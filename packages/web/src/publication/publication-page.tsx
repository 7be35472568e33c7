import type { Publication } from '@brimful/model';
import { Alert, Button, Group, Loader, Skeleton, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { Fact, Facts } from '../parts/fact.tsx';
import { MomentText } from '../parts/moment-text.tsx';
import { Page } from '../parts/page.tsx';
import { ProblemNote } from '../parts/problem-note.tsx';
import { Section } from '../parts/section.tsx';
import { StateMark } from '../parts/state-mark.tsx';
import { useClient } from '../server/server-context.tsx';
import { problemOf } from '../server/server-problem.ts';
import { ChangeList } from './change-list.tsx';
import { PublicationApproval } from './publication-approval.tsx';
import { PUBLICATION_MARKS, PUBLICATION_WORDS } from './publication-words.ts';
import { diffSize, TextDiff } from './text-diff.tsx';

const REFRESH_MILLISECONDS = 3000;
const SHORT_REVISION = 12;

export function PublicationPage() {
  const { number } = useParams({ from: '/publications/$number' });
  const client = useClient();
  const publication = useQuery({
    queryKey: ['publications', number],
    queryFn: () => client.publication(Number(number)),
    refetchInterval: ({ state }) => (state.data?.state === 'applying' ? REFRESH_MILLISECONDS : false),
  });
  if (publication.data !== undefined) return <PublicationView key={number} publication={publication.data} />;
  return (
    <Page
      title={`Publication ${number}`}
      state={publication.error === null ? 'Loading' : 'Problem'}
      above={<Back />}
    >
      {publication.error === null ? (
        <Skeleton height={280} role="status" aria-label="Loading" />
      ) : (
        <ProblemNote problem={problemOf(publication.error)} />
      )}
    </Page>
  );
}

function Back() {
  return (
    <Link to="/publications" className="plain">
      All publications
    </Link>
  );
}

function PublicationView({ publication }: { readonly publication: Publication }) {
  const { number, state, who, why, origin, at, revision, headline, problem, changes, diff } = publication;
  const [isReverting, setIsReverting] = useState(false);
  return (
    <Page
      title={`Publication ${number}`}
      state={PUBLICATION_WORDS[state]}
      above={<Back />}
      sentence={why === '' ? headline : why}
      actions={
        state === 'applied' &&
        publication.before !== null && (
          <Button variant="default" onClick={() => setIsReverting(true)} disabled={isReverting}>
            Revert…
          </Button>
        )
      }
    >
      {problem !== null && <ProblemNote problem={problem} />}
      <Facts>
        <Fact name="Result">
          <StateMark state={PUBLICATION_MARKS[state]} label={PUBLICATION_WORDS[state]} />
        </Fact>
        <Fact name="Who" note={`from the ${origin}`}>
          {who}
        </Fact>
        <Fact name="When">
          <MomentText at={at} />
        </Fact>
        <Fact name="File" note="the beginning of its fingerprint">
          <span className="mono">{revision.slice(0, SHORT_REVISION)}</span>
        </Fact>
      </Facts>
      {isReverting && <Revert publication={publication} onCancel={() => setIsReverting(false)} />}
      <Section title="Changes">
        <ChangeList changes={changes} />
      </Section>
      <Section title="Difference" note={diff.length === 0 ? 'The file stayed as it was.' : diffSize(diff)}>
        {diff.length > 0 && <TextDiff hunks={diff} label="Lines of the file that changed" />}
      </Section>
    </Page>
  );
}

interface RevertProps {
  readonly publication: Publication;
  readonly onCancel: () => void;
}

/** Going back is a publication like others: planned, looked at, applied. */
function Revert({ publication: { number }, onCancel }: RevertProps) {
  const [reason, setReason] = useState('');
  const client = useClient();
  const defaultReason = `take back publication ${number}`;
  const planning = useMutation({
    mutationFn: () => client.planRevert(number, reason.trim() === '' ? defaultReason : reason),
  });
  return (
    <Section
      title={`Revert publication ${number}`}
      note="The file becomes what it was before it. What was published later is taken back as well. Nothing changes before you publish."
    >
      <Group align="flex-end">
        <TextInput
          label="Why"
          placeholder={defaultReason}
          value={reason}
          onChange={(event) => {
            setReason(event.currentTarget.value);
            planning.reset();
          }}
          style={{ flex: 1, minWidth: 220 }}
        />
        <Button variant="default" onClick={onCancel}>
          Leave it
        </Button>
        <Button
          variant={planning.data === undefined ? 'filled' : 'default'}
          loading={planning.isPending}
          onClick={() => planning.mutate()}
        >
          {planning.data === undefined ? 'Preview changes' : 'Preview again'}
        </Button>
      </Group>
      {planning.isPending && (
        <Alert variant="outline" color="gray" icon={<Loader size="xs" />} role="status">
          Comparing it with what runs. Nothing is changed.
        </Alert>
      )}
      {planning.error !== null && <ProblemNote problem={problemOf(planning.error)} />}
      {planning.data !== undefined && <PublicationApproval key={planning.data.id} plan={planning.data} />}
    </Section>
  );
}
