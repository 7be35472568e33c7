import type { CatalogFinding } from '@brimful/model';
import { Code, Paper, Stack, Text } from '@mantine/core';
import { StateMark } from '../parts/state-mark.tsx';
import { count } from '../words/quantity.ts';

const STATES = { ok: 'ok', warning: 'warn', error: 'error' } as const;
const LEVELS: readonly CatalogFinding['level'][] = ['error', 'warning', 'ok'];
/** More of what is in order is folded away: it is not why one looks. */
const FINE_SHOWN = 2;

/** What trying a connection brought to light, the worst first, with what mends it. */
export function ConnectionFindings({ findings }: { readonly findings: readonly CatalogFinding[] }) {
  const sorted = findings.toSorted((a, b) => LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level));
  const fine = sorted.filter(({ level }) => level === 'ok');
  const isFolded = fine.length > FINE_SHOWN;
  const shown = isFolded ? sorted.filter(({ level }) => level !== 'ok') : sorted;
  return (
    <Paper withBorder p="sm" role="status" aria-label="Findings">
      <Stack gap="xs">
        <FindingList findings={shown} />
        {isFolded && (
          <details>
            <summary>{count(fine.length)} things are as they should be</summary>
            <Stack gap="xs" mt="xs">
              <FindingList findings={fine} />
            </Stack>
          </details>
        )}
      </Stack>
    </Paper>
  );
}

function FindingList({ findings }: { readonly findings: readonly CatalogFinding[] }) {
  return findings.map(({ subject, level, message, remedy }) => (
    <div key={`${subject} ${message}`}>
      <Text size="sm" component="div">
        <StateMark state={STATES[level]} label={level === 'ok' ? subject : `${level}: ${subject}`} />
      </Text>
      <Text size="sm" className="quiet" ml={18}>
        {message}
      </Text>
      {remedy !== null && level !== 'ok' && (
        <Code block mt={4} ml={18} tabIndex={0} style={{ whiteSpace: 'pre-wrap' }}>
          {remedy}
        </Code>
      )}
    </div>
  ));
}
