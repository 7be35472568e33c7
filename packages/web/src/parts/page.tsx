import { Group, Stack, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useEffect } from 'react';

interface PageProps {
  readonly title: string;
  /** For the browser's tab, before the name: what a glance at the tab should tell. */
  readonly state?: string;
  readonly above?: ReactNode;
  readonly sentence?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, state, above, sentence, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${state === undefined ? '' : `${state} · `}${title} · Brimful`;
  }, [title, state]);
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start" wrap="wrap">
        <div>
          {above}
          <Title order={1} size="h2">
            {title}
          </Title>
          {sentence !== undefined && (
            <Text component="div" className="quiet" mt={4}>
              {sentence}
            </Text>
          )}
        </div>
        <Group gap="xs">{actions}</Group>
      </Group>
      {children}
    </Stack>
  );
}
