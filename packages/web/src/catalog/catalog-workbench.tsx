import { Stack } from '@mantine/core';
import { useBlocker } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useCallback, useState } from 'react';
import { Section } from '../parts/section.tsx';
import { PublishPanel } from '../publication/publish-panel.tsx';
import { CatalogFile } from './catalog-file.tsx';
import classes from './catalog-workbench.module.css';
import type { CatalogDraft } from './use-catalog-draft.ts';
import type { EditorJump, EditorMark } from './yaml-editor.tsx';

interface CatalogWorkbenchProps {
  readonly draft: CatalogDraft;
  readonly defaultReason: string;
  /** The line of the text that is in view at first. */
  readonly start?: number | undefined;
  /** The form. */
  readonly children: ReactNode;
}

/** A form and the text it writes side by side, and below what publishing them would do. */
export function CatalogWorkbench({ draft, defaultReason, start, children }: CatalogWorkbenchProps) {
  const [marks, setMarks] = useState<readonly EditorMark[]>([]);
  const [jump, setJump] = useState<EditorJump | null>(null);
  const jumpTo = useCallback(
    (line: number, column: number) => setJump((before) => ({ line, column, turn: (before?.turn ?? 0) + 1 })),
    [],
  );
  const { isChanged } = draft;
  useBlocker({
    shouldBlockFn: () => isChanged && !confirm('Leave, and lose what was edited and not published?'),
    enableBeforeUnload: isChanged,
  });
  return (
    <>
      <div className={classes.bench}>
        <Stack gap="lg">{children}</Stack>
        <div className={classes.file}>
          <Section title="Catalog" note="All of it, as it is written. Form and text follow each other.">
            <CatalogFile draft={draft} marks={marks} jump={jump} onJump={jumpTo} start={start} />
          </Section>
        </div>
      </div>
      <PublishPanel draft={draft} defaultReason={defaultReason} onJump={jumpTo} onMarks={setMarks} />
    </>
  );
}
