import { Skeleton } from '@mantine/core';
import { lazy, Suspense } from 'react';
import type { TaskEditorProps } from './task-editor.tsx';

const TaskEditor = lazy(async () => ({ default: (await import('./task-editor.tsx')).TaskEditor }));

/** What edits the catalog reads YAML: only who edits loads it. */
export function LazyTaskEditor(props: TaskEditorProps) {
  return (
    <Suspense fallback={<Skeleton height={420} role="status" aria-label="Loading the catalog" />}>
      <TaskEditor {...props} />
    </Suspense>
  );
}
