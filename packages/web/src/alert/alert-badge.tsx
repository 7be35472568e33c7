import { Badge } from '@mantine/core';
import { useLive } from '../server/server-context.tsx';
import { alertCount } from './alert-words.ts';

/** How many alerts ask for somebody; nothing where none does. */
export function AlertBadge() {
  const { count, isCritical } = alertCount(useLive().alerts);
  if (count === 0) return null;
  return (
    <Badge
      size="sm"
      circle={count < 10}
      color={isCritical ? 'red.9' : 'dark.4'}
      aria-label={`${count} open${isCritical ? ', some critical' : ''}`}
    >
      {count > 99 ? '99+' : count}
    </Badge>
  );
}
