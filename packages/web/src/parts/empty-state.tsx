import { Code, Paper, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';

interface EmptyStateProps {
  readonly title: string;
  readonly children: string;
  /** What to type, if that is the way. */
  readonly command?: string;
  /** What can be done about it. */
  readonly actions?: ReactNode;
}

export function EmptyState({ title, children, command, actions }: EmptyStateProps) {
  return (
    <Paper withBorder p="xl" radius="md">
      <Stack align="center" gap="xs">
        <Title order={2} size="h4">
          {title}
        </Title>
        <Text size="sm" className="quiet" ta="center" maw={520}>
          {children}
        </Text>
        {command !== undefined && <Code>{command}</Code>}
        {actions}
      </Stack>
    </Paper>
  );
}
