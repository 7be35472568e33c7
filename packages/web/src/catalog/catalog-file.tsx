import { Alert, Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { lazy, Suspense, useMemo } from 'react';
import type { CatalogDraft } from './use-catalog-draft.ts';
import type { EditorJump, EditorMark } from './yaml-editor.tsx';

/** An editor is as heavy as all the rest: who does not edit does not load it. */
const YamlEditor = lazy(async () => ({ default: (await import('./yaml-editor.tsx')).YamlEditor }));

interface CatalogFileProps {
  readonly draft: CatalogDraft;
  readonly marks: readonly EditorMark[];
  readonly jump: EditorJump | null;
  readonly onJump: (line: number, column: number) => void;
  /** The line in view at first. */
  readonly start: number | undefined;
}

/** The whole catalog as text, and what is wrong with it as text. */
export function CatalogFile({ draft, marks, jump, onJump, start }: CatalogFileProps) {
  const { current, base, write, reset, isChanged, isOvertaken } = draft;
  const all = useMemo<readonly EditorMark[]>(
    () => [...marks, ...current.errors.map((error) => ({ ...error, level: 'error' as const }))],
    [marks, current],
  );
  const [error] = current.errors;
  return (
    <Stack gap="xs">
      <Group justify="space-between" mih={30}>
        <Text size="sm" className="quiet mono">
          {base.path.split('/').at(-1)}
        </Text>
        {isChanged && (
          <Button size="compact-sm" variant="default" onClick={reset}>
            Discard all edits
          </Button>
        )}
      </Group>
      {isOvertaken && (
        <Alert variant="outline" color="yellow" role="alert" title="The catalog was changed meanwhile">
          <Text size="sm">
            Somebody published, or edited the file. Your edits are of what was before. Discard them to begin
            with what is there now, or carry them over by hand.
          </Text>
        </Alert>
      )}
      {base.changedOnDisk && !isOvertaken && (
        <Alert variant="outline" color="yellow" role="status" title="What runs is older than the file">
          <Text size="sm">
            The file was edited by hand. What was changed there is published along with your edits.
          </Text>
        </Alert>
      )}
      {error !== undefined && (
        <Alert variant="outline" color="red" role="alert" title="This is not YAML at the moment">
          <Group gap="xs">
            <Button
              size="compact-xs"
              variant="default"
              aria-label={`Go to line ${error.line}: ${error.message}`}
              onClick={() => onJump(error.line, error.column)}
            >
              Line {error.line}
            </Button>
            <Text size="sm">{error.message}</Text>
          </Group>
          <Text size="sm" className="quiet" mt={4}>
            The form waits, and shows what could be read last.
          </Text>
        </Alert>
      )}
      <Suspense fallback={<Skeleton height={520} role="status" aria-label="Loading the editor" />}>
        <YamlEditor
          label="The catalog as YAML"
          text={current.text}
          onChange={write}
          marks={all}
          jump={jump}
          start={start}
        />
      </Suspense>
    </Stack>
  );
}
