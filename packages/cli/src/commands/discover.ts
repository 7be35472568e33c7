import type { Resource } from '@brimful/connector';
import type { CaptureSpec } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import { captureContext, captureSide, loadedConfig, named } from '../command-context.ts';
import { collectionFor } from '../connections/inspect.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import { print, printJson } from '../output.ts';
import { formatBytes, formatCount, plural } from '../terminal/format.ts';
import { grid } from '../terminal/grid.ts';

/** Lists the tables of the configured sources. Connects, changes nothing. */
export async function discover(
  context: CommandContext,
  captureName: string | undefined,
): Promise<ExitCodeNumber> {
  const { spec } = await loadedConfig(context);
  const captures = captureName === undefined ? spec.captures : [named(spec.captures, captureName, 'capture')];
  const found = [];
  for (const capture of captures) {
    const side = await captureSide(capture, context.connectors);
    found.push({ capture, resources: await side.discover(capture.config, captureContext(capture.name)) });
  }
  if (context.output.json) {
    printJson(
      context.output,
      found.map(({ capture, resources }) => ({
        capture: capture.name,
        resources: resources.map((resource) => ({
          ...resource,
          collection: collectionFor(resource, capture) ?? null,
        })),
      })),
    );
    return ExitCode.ok;
  }
  for (const { capture, resources } of found) print(context.output, describe(capture, resources));
  return ExitCode.ok;
}

const RIGHT_ALIGNED = [3, 4];

function describe(capture: CaptureSpec, resources: readonly Resource[]): string {
  const rows = resources.map((resource) => {
    const { key, columns } = resource.schema;
    const { estimate } = resource;
    const rough = estimate.quality === 'exact' ? '' : '~';
    return [
      resource.name,
      collectionFor(resource, capture) ?? '(not captured)',
      key.length === 0 ? '(none)' : key.join(', '),
      estimate.quality === 'unknown' ? '?' : `${rough}${formatCount(estimate.rows)}`,
      estimate.quality === 'unknown' ? '?' : `${rough}${formatBytes(estimate.bytes)}`,
      String(columns.length),
    ];
  });
  const total = resources.reduce((sum, { estimate }) => sum + estimate.bytes, 0);
  const lines = [
    `${capture.name}: ${plural(resources.length, 'table')}, about ${formatBytes(total)}`,
    grid(['table', 'collection', 'key', 'rows', 'size', 'columns'], rows, RIGHT_ALIGNED),
  ];
  for (const { name, problem } of resources) {
    if (problem === undefined) continue;
    lines.push(`! ${name}: ${problem.message} [${problem.code}]`);
    if (problem.remedy !== null) lines.push(`    ${problem.remedy.replaceAll('\n', '\n    ')}`);
  }
  return `${lines.join('\n')}\n`;
}
