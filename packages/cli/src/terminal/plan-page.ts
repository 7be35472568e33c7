import type { BackfillPlan, BindingPlan, RunRequest, Stage, TablePlan } from '@brimful/model';
import { bytesText, MARKS_LEGEND, rowsText } from './estimate-text.ts';
import { formatBytes, formatCount, formatMilliseconds, plural } from './format.ts';
import { guardLines } from './guard-lines.ts';
import type { PageOptions } from './page.ts';
import { facts, formatMoment, hanging, pageWidth } from './page.ts';
import { costLines } from './plan-cost.ts';
import { scopeText } from './scope-text.ts';
import { clip, harmless, padLeft, padRight, textWidth } from './width.ts';

/** More tables than this are counted; `--json` has them all. */
const SHOWN_BINDINGS = 20;
const SHOWN_STAGES = 60;

/** The whole plan: what it is about, what happens, what it costs, what stands against it. */
export function planPage(plan: BackfillPlan, options: PageOptions): string[] {
  const { colors } = options;
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['', colors.bold(title), ...lines];
  return [
    ...headLines(plan, options),
    ...section('What it touches', bindingLines(plan, options)),
    ...section('What happens, level by level', stageLines(plan.stages, options)),
    ...section('What it costs', costLines(plan, options)),
    ...section('Guards', guardLines(plan, options)),
    ...section(
      'Cheaper ways',
      plan.alternatives.flatMap((text) => hanging('  - ', text, pageWidth(options))),
    ),
  ];
}

/** What a run is about, in one line: `reset of shop/orders`, `incremental of 12 collections`. */
export function subjectText({ request, bindings }: BackfillPlan): string {
  const [first, ...others] = bindings;
  const of = first === undefined ? request.task : others.length === 0 ? first.collection : undefined;
  return `${request.mode} of ${harmless(of ?? plural(bindings.length, 'collection'))}`;
}

function headLines(plan: BackfillPlan, options: PageOptions): string[] {
  const { colors, timeZone } = options;
  const { request } = plan;
  const [scope, ...more] = scopeText(request.scope).split('\n');
  const good = `good until ${formatMoment(plan.expiresAt, timeZone)}`;
  const pairs: [string, string][] = [
    ['of', request.task],
    ['why', `${request.reason} (${request.author})`],
    ['rows', [scope, ...more].join('\n')],
    ...(request.columns === null
      ? []
      : [['columns', `only ${request.columns.join(', ')}`] as [string, string]]),
    ['how', choicesText(request)],
    ...(plan.seen.position === null ? [] : [['as of', seenText(plan, timeZone)] as [string, string]]),
  ];
  return [
    `${colors.bold(plan.id)}  ${subjectText(plan)}`,
    colors.dim(`  made ${formatMoment(plan.createdAt, timeZone)}, ${good}`),
    ...facts(pairs, options),
  ];
}

function seenText({ seen }: BackfillPlan, timeZone: string | undefined): string {
  const statistics =
    seen.statisticsAt === null ? '' : `, statistics of ${formatMoment(seen.statisticsAt, timeZone)}`;
  return `source position ${seen.position ?? 'unknown'}${statistics}`;
}

/** Everything chosen that is not in another line. */
function choicesText(request: RunRequest): string {
  const { throttle, windows, undoMilliseconds, mode, missingRows, deleteLimit, verify } = request;
  const swaps = mode === 'reset' || mode === 'materialization';
  return [
    mode === 'materialization'
      ? ''
      : missingRows === 'keep'
        ? 'rows the source no longer has are kept'
        : `rows the source no longer has go (at most ${percentText(deleteLimit)} of a table)`,
    verify === 'full' ? 'compared in full' : 'compared by counts',
    swaps ? (undoMilliseconds === 0 ? 'no undo' : `undo for ${formatMilliseconds(undoMilliseconds)}`) : '',
    throttle.bytesPerSecond === null ? '' : `at most ${formatBytes(throttle.bytesPerSecond)}/s`,
    throttle.readers === null ? '' : `at most ${plural(throttle.readers, 'reader')}`,
    ...windows.map(({ cron, minutes, zone }) => `only from "${cron}" ${zone} for ${minutes} min`),
  ]
    .filter((text) => text !== '')
    .join('; ');
}

export function percentText(part: number): string {
  return `${Number((part * 100).toPrecision(3))} %`;
}

function bindingLines(plan: BackfillPlan, options: PageOptions): string[] {
  const { colors } = options;
  const shown = plan.bindings.slice(0, SHOWN_BINDINGS);
  const name = shown.reduce(
    (longest, { collection }) => Math.max(longest, textWidth(harmless(collection))),
    10,
  );
  const widths: Widths = { name: Math.min(name, 32), rows: 9, bytes: 9 };
  const head = `  ${padRight('collection', widths.name)}  ${padRight('generation', 10)}  ${padLeft('rows', widths.rows)}  ${padLeft('bytes', widths.bytes)}  read by`;
  const hidden = plan.bindings.length - shown.length;
  return [
    colors.dim(head),
    ...shown.flatMap((binding) => bindingBlock(binding, widths, options)),
    ...(hidden > 0 ? [`  … ${hidden} more: --json has them all`] : []),
    colors.dim(`  (${MARKS_LEGEND})`),
  ];
}

interface Widths {
  readonly name: number;
  readonly rows: number;
  readonly bytes: number;
}

function bindingBlock(binding: BindingPlan, widths: Widths, options: PageOptions): string[] {
  const width = pageWidth(options);
  const { colors } = options;
  const start = [
    padRight(harmless(binding.collection), widths.name),
    padRight(generationText(binding.generation), 10),
    padLeft(rowsText(binding.rows), widths.rows),
    padLeft(bytesText(binding.bytes), widths.bytes),
  ].join('  ');
  const label = 9;
  const detail = (name: string): string => `    ${colors.dim(padRight(name, label))}  `;
  // A row has as many values as the table has columns: what fits into one line tells which row it is.
  const row = (name: string, values: BindingPlan['firstRow']): string[] =>
    values === null ? [] : [`${detail(name)}${clip(harmless(rowText(values)), width - label - 6)}`];
  return [
    ...hanging(`  ${start}  `, binding.readShape, width),
    ...(binding.resource === null ? [] : hanging(detail('source'), binding.resource, width)),
    ...row('first row', binding.firstRow),
    ...row('last row', binding.lastRow),
    ...binding.tables.flatMap((table) => [
      ...hanging(detail('table'), tableText(table), width),
      ...dependentLines(table, ' '.repeat(label + 6), options),
    ]),
  ];
}

function generationText({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === to ? `${from}, stays` : `${from} → ${to}`;
}

function tableText(table: TablePlan): string {
  const size = [
    table.rows === null ? '' : `${formatCount(table.rows)} rows`,
    table.bytes === null ? '' : formatBytes(table.bytes),
  ]
    .filter((text) => text !== '')
    .join(', ');
  const change =
    table.generation.from === table.generation.to
      ? 'merged into in place'
      : `rebuilt beside and swapped in (${generationText(table.generation)})`;
  return `${table.materialization}: ${table.table}${size === '' ? '' : ` (${size})`}, ${change}`;
}

function dependentLines({ dependents }: TablePlan, indent: string, options: PageOptions): string[] {
  const { colors } = options;
  return dependents.flatMap(({ what, carried, note }) =>
    hanging(
      `${indent}${carried ? colors.green('✓') : colors.red('✗')} `,
      note === '' ? what : `${what}: ${note}`,
      pageWidth(options),
    ),
  );
}

function rowText(row: Readonly<Record<string, string | null>>): string {
  return Object.entries(row)
    .map(([column, value]) => `${column} = ${value ?? '∅'}`)
    .join(', ');
}

/** Steps of one level stand together; the level is said once. */
function stageLines(stages: readonly Stage[], options: PageOptions): string[] {
  const sorted = [...stages].sort((a, b) => a.level - b.level);
  const kind = sorted.reduce((longest, stage) => Math.max(longest, stage.kind.length), 0);
  const shown = sorted.slice(0, SHOWN_STAGES);
  const lines = shown.flatMap((stage, index) => {
    const level = shown[index - 1]?.level === stage.level ? '' : String(stage.level);
    const prefix = `  ${padLeft(level, 2)}  ${options.colors.cyan(padRight(stage.kind, kind))}  `;
    // The same is done to several tables: which one is this?
    const same = sorted.filter(({ sentence }) => sentence === stage.sentence).length > 1;
    const text = same ? `${stage.sentence} (${stage.subject})` : stage.sentence;
    return hanging(prefix, text, pageWidth(options));
  });
  const hidden = sorted.length - shown.length;
  return hidden > 0 ? [...lines, `  … ${hidden} more steps: --json has them all`] : lines;
}
