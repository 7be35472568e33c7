import type { Alert, AlertDelivery } from '@brimful/model';
import { asksForSomebody, byUrgency } from '@brimful/model';

/** What became of telling the webhook; null: it was not told. */
export function deliveryWords(delivery: AlertDelivery | null): string | null {
  if (delivery === null) return null;
  const { event, state, attempts, error } = delivery;
  const what = event === 'raised' ? 'webhook told' : 'webhook told that it is over';
  switch (state) {
    case 'delivered':
      return what;
    case 'waiting':
      return attempts === 0
        ? 'webhook is being told'
        : `webhook: ${error ?? 'no answer'}, tried ${attempts} times, goes on`;
    case 'failed':
      return `webhook not told: ${error ?? 'no answer'}`;
    case 'left out':
      return 'webhook not told: too many messages waited';
  }
}

export function openAlerts(alerts: ReadonlyMap<number, Alert>): readonly Alert[] {
  return [...alerts.values()].filter(({ clearedAt }) => clearedAt === null).toSorted(byUrgency);
}

export function pastAlerts(alerts: ReadonlyMap<number, Alert>): readonly Alert[] {
  return [...alerts.values()]
    .filter(({ clearedAt }) => clearedAt !== null)
    .toSorted((left, right) => (right.clearedAt ?? 0) - (left.clearedAt ?? 0));
}

/** Of the badge: how many ask for somebody, and whether one of them is critical. */
export function alertCount(alerts: ReadonlyMap<number, Alert>): {
  readonly count: number;
  readonly isCritical: boolean;
} {
  const asking = [...alerts.values()].filter((alert) => asksForSomebody(alert));
  return { count: asking.length, isCritical: asking.some(({ severity }) => severity === 'critical') };
}
