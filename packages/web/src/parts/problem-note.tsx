import type { ProblemRecord } from '@brimful/model';
import { Alert, Code, Text } from '@mantine/core';

/** What is wrong, and what to do about it. */
export function ProblemNote({
  problem,
  title,
}: {
  readonly problem: ProblemRecord;
  readonly title?: string;
}) {
  const places = Object.entries(problem.at);
  return (
    <Alert
      variant="outline"
      color={problem.kind === 'retry' ? 'yellow' : 'red'}
      title={title ?? problem.message}
      role="alert"
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      {title !== undefined && <Text size="sm">{problem.message}</Text>}
      {problem.remedy !== null && <Text size="sm">{problem.remedy}</Text>}
      <Text size="xs" className="quiet" mt={4}>
        <Code>{problem.code}</Code>
        {places.map(([name, value]) => ` ${name}: ${value}`).join(' ·')}
      </Text>
    </Alert>
  );
}
