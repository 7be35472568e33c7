import type { CatalogChange } from '@brimful/model';
import { captureChanges } from './capture-diff.ts';
import type { CatalogContent, CatalogFacts, Setting } from './catalog-content.ts';
import { change } from './change.ts';
import { materializationChanges } from './materialization-diff.ts';

/**
 * What changes from one catalog to another, and what happens because of it: captures first, then tables, then settings. Pure;
 * numbers are as good as the facts are. Configs are compared and never shown. (Invariant 10)
 */
export function specDiff(
  before: CatalogContent,
  after: CatalogContent,
  facts: CatalogFacts,
): readonly CatalogChange[] {
  return [
    ...captureChanges(before.spec, after.spec, facts),
    ...collectionChanges(before, after),
    ...materializationChanges(before.spec, after.spec, facts),
    ...settingChanges(before.settings, after.settings),
  ];
}

function collectionChanges({ spec: old }: CatalogContent, { spec }: CatalogContent): CatalogChange[] {
  const names = (all: typeof spec): string[] => all.collections.map(({ name }) => name);
  const [before, after] = [names(old), names(spec)];
  const listed = (subject: string, action: 'add' | 'remove', sentence: string): CatalogChange =>
    change({
      action,
      kind: 'collection',
      subject,
      sentence,
      consequence: 'none',
      effect: 'Nothing else changes.',
    });
  return [
    ...after
      .filter((name) => !before.includes(name))
      .map((name) => listed(name, 'add', `${name} is listed.`)),
    ...before
      .filter((name) => !after.includes(name))
      .map((name) => listed(name, 'remove', `${name} is not listed any more.`)),
  ];
}

function settingChanges(before: readonly Setting[], after: readonly Setting[]): CatalogChange[] {
  const old = new Map(before.map((setting) => [setting.name, setting]));
  return after.flatMap(({ name, value, compared, needsRestart }) => {
    const was = old.get(name);
    if (was === undefined || was.compared === compared) return [];
    const shown = was.value === value ? `${name} changes.` : `${name}: ${was.value} becomes ${value}.`;
    return [
      change({
        action: 'change',
        kind: 'setting',
        subject: name,
        sentence: shown,
        consequence: needsRestart ? 'server restart' : 'none',
        effect: needsRestart ? 'It takes effect with the next `brimful up`.' : 'It takes effect at once.',
      }),
    ];
  });
}
