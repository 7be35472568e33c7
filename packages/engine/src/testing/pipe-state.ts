import type { Run } from '@brimful/model';
import type { SimulatedPipe, SimulatedWorld } from './simulated-pipe.ts';

/** Everything that tells why a simulation does not come to rest. */
export function pipeState(
  { disk, source }: SimulatedWorld,
  pipe: SimulatedPipe | undefined,
  all: readonly Run[],
  happened: ReadonlyMap<string, number>,
): string {
  const tables = [...(pipe?.capture.resources.values() ?? [])].flatMap((resource) =>
    resource.tables.map(
      ({ writer, backfill, problem }) =>
        `${writer.collection}/${writer.generation} ${backfill.phase} ${JSON.stringify(backfill.done)} of ${JSON.stringify(backfill.plan?.total)} ${JSON.stringify(problem)}`,
    ),
  );
  const feeds = (pipe?.materializations ?? []).flatMap((task) => [
    `${task.spec.name} ${task.state} ${JSON.stringify(task.problem)}`,
    ...[...task.bindings.keys()].flatMap((collection) =>
      task
        .feedsOf(collection)
        .map(
          ({ handle, source, applied, busy, held, ready }) =>
            `  ${collection} g${handle.request.id.generation} (${handle.place}) of ${source.journal} ${JSON.stringify(applied)} busy ${busy} held ${held} ready ${ready}`,
        ),
    ),
  ]);
  const runs = all.map(
    ({ id, mode, state, because, bindings, undoUntil, intent, events }) =>
      `${id} ${mode} ${state} ${because} undo until ${undoUntil} ${intent} ${bindings.map((binding) => `${binding.collection} ${binding.state}`).join()}\n     ${events.map(({ what }) => what).join('\n     ')}`,
  );
  const counts = [...happened].map(([what, count]) => `${count} × ${what}`).sort();
  const notes = [...disk.records]
    .filter(([key]) => key.startsWith('tables/') || key.startsWith('generations/'))
    .map(([key, { value }]) => `${key} ${value}`);
  const journals = [...disk.journals].map(
    ([id, { first, entries }]) =>
      `${id} ${first} to ${first + entries.length}: ${entries.slice(-2).map(({ kind }) => kind)}`,
  );
  return [
    counts.join(', '),
    ...notes,
    `capture ${pipe?.capture.state} ${JSON.stringify(pipe?.capture.problem)} at ${pipe?.capture.passed.position} of ${source.log.at(-1)?.commit}`,
    ...journals,
    ...tables,
    ...feeds,
    ...runs,
  ].join('\n  ');
}
