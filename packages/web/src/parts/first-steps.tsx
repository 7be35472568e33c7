import { Button, Code, CopyButton, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { EmptyState } from './empty-state.tsx';

const DEMO_COMMAND = 'npm run demo';

/** What to do in a Brimful that has no sources yet. */
export function FirstSteps({ title }: { readonly title: string }) {
  return (
    <EmptyState
      title={title}
      actions={
        <Stack align="center" gap="lg" mt="sm">
          <Button component={Link} to="/add/source">
            Add a source
          </Button>
          <Stack align="center" gap={6}>
            <Text size="sm" className="quiet">
              Or see it with data of its own first: a shop under a live writer, copied as it changes.
            </Text>
            <Group gap="xs">
              <Code fz="sm">{DEMO_COMMAND}</Code>
              <CopyButton value={DEMO_COMMAND}>
                {({ copied, copy }) => (
                  <Button size="compact-sm" variant="default" onClick={copy} aria-live="polite">
                    {copied ? 'Copied' : 'Copy'}
                  </Button>
                )}
              </CopyButton>
            </Group>
          </Stack>
        </Stack>
      }
    >
      Name a database and how to reach it. Brimful reads its tables once, then follows every change, and keeps
      as many copies of them as you like.
    </EmptyState>
  );
}
