import type { RuntimeStatus } from '@brimful/model';
import { Skeleton, Stack } from '@mantine/core';
import type { ReactNode } from 'react';
import { useLive } from '../server/server-context.tsx';

/** Draws with the status once there is one; until then says that it is on its way. */
export function WithStatus({ children }: { readonly children: (status: RuntimeStatus) => ReactNode }) {
  const { status } = useLive();
  if (status !== null) return children(status);
  return (
    <Stack role="status" aria-label="Loading">
      <Skeleton height={34} width={260} />
      <Skeleton height={72} />
      <Skeleton height={280} />
    </Stack>
  );
}
