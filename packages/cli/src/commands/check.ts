import type { Finding, Resource } from '@brimful/connector';
import type { CaptureSpec, MaterializationSpec, RuntimeStatus } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import {
  captureContext,
  captureSide,
  connectorContext,
  destinationSide,
  loadedConfig,
} from '../command-context.ts';
import { suggestion } from '../config/nearest.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';
import { print, printJson } from '../output.ts';
import { problemsOf } from '../terminal/problem-text.ts';
import { harmless } from '../terminal/width.ts';
import { checkDataDirectory } from '../data-directory.ts';
import { publishedStatus } from '../published-status.ts';
import { collectionFor } from './discover.ts';

interface Checked {
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** Connects to everything and says in plain words what is missing. Changes nothing. 1 when something is wrong. */
export async function check(context: CommandContext): Promise<ExitCodeNumber> {
  const { spec, dataDirectory } = await loadedConfig(context);
  const checked = await Promise.all([
    ...spec.captures.map((capture) =>
      checkedAs(`capture ${capture.name}`, () => checkCapture(capture, context)),
    ),
    ...spec.materializations.map((materialization) =>
      checkedAs(`materialization ${materialization.name}`, () =>
        checkMaterialization(materialization, context),
      ),
    ),
    checkedAs(`data directory ${dataDirectory}`, async () => [
      ...(await checkDataDirectory(dataDirectory, spec.limits)),
      ...(await findRunning(dataDirectory)),
    ]),
  ]);
  if (context.output.json) printJson(context.output, checked);
  else report(checked, context.output);
  const failed = checked.some(({ findings }) => findings.some((finding) => finding.level === 'error'));
  return failed ? ExitCode.problem : ExitCode.ok;
}

async function checkCapture(
  capture: CaptureSpec,
  { connectors }: CommandContext,
): Promise<readonly Finding[]> {
  const side = await captureSide(capture, connectors);
  const context = captureContext(capture.name);
  const findings = await side.check(capture.config, context);
  // Without a connection the tables would only repeat what was just said.
  if (findings.some((finding) => finding.level === 'error' && finding.subject === 'connection'))
    return findings;
  const resources = await side.discover(capture.config, context);
  return [...findings, ...checkResources(capture, resources)];
}

async function checkMaterialization(
  materialization: MaterializationSpec,
  { connectors }: CommandContext,
): Promise<readonly Finding[]> {
  const side = await destinationSide(materialization, connectors);
  return side.check(materialization.config, connectorContext());
}

/** Worth saying, because it explains what else is found: a slot that is active, a file that is held. */
async function findRunning(dataDirectory: string): Promise<Finding[]> {
  const published = await publishedStatus(dataDirectory);
  if (published === undefined) return [];
  const proposals = proposalFindings(published.status);
  if (!published.running) return proposals;
  const message = `A brimful up is running on it, process ${published.status.pid}.`;
  return [{ level: 'ok', subject: 'running', message }, ...proposals];
}

/** What has gone wrong on the way, with the run that mends it. */
function proposalFindings({ captures }: RuntimeStatus): Finding[] {
  return captures.flatMap((capture) =>
    [
      { ...capture, subject: capture.name },
      ...capture.bindings.map((binding) => ({ ...binding, subject: binding.resource })),
    ].flatMap(({ subject, problem, proposal }): Finding[] =>
      problem === undefined || proposal === undefined
        ? []
        : [
            {
              level: 'warning',
              subject,
              message: `${problem.message} [${problem.code}]`,
              remedy: `${proposal.sentence}\n${proposal.command}`,
            },
          ],
    ),
  );
}

/** What the configuration says about the source's tables, against what is there. */
export function checkResources(capture: CaptureSpec, resources: readonly Resource[]): Finding[] {
  const names = resources.map((resource) => resource.name);
  const findings: Finding[] = capture.bindings.flatMap((binding) =>
    names.includes(binding.resource)
      ? []
      : [
          {
            level: 'error',
            subject: 'binding',
            message: `There is no table ${binding.resource}${placed(binding.at)}.`,
            remedy: suggestion(binding.resource, names, 'table'),
          },
        ],
  );
  const targets = new Map<string, string>();
  let captured = 0;
  for (const resource of resources) {
    const target = collectionFor(resource, capture);
    if (target === undefined) continue;
    captured += 1;
    if (resource.problem !== undefined) findings.push(problemFinding(resource.name, resource.problem));
    const other = targets.get(target);
    if (other !== undefined) {
      findings.push({
        level: 'error',
        subject: 'collection',
        message: `${resource.name} and ${other} would both fill the collection ${target}.`,
        remedy: `Bind one of them by hand: bindings: [{ resource: ${resource.name}, target: <another name> }].`,
      });
    }
    targets.set(target, resource.name);
  }
  findings.push({
    level: captured === 0 ? 'warning' : 'ok',
    subject: 'collections',
    message: `${captured} of ${resources.length} tables fill one, by this configuration.`,
  });
  return findings;
}

function problemFinding(name: string, problem: NonNullable<Resource['problem']>): Finding {
  return {
    // What must be changed before the table can be captured, against what is only good to know.
    level: problem.kind === 'operator' ? 'error' : 'warning',
    subject: name,
    message: `${problem.message} [${problem.code}]`,
    ...(problem.remedy === null ? {} : { remedy: problem.remedy }),
  };
}

function placed(at: CaptureSpec['at']): string {
  return at === undefined ? '' : ` (${at.file}:${at.line}:${at.column})`;
}

async function checkedAs(name: string, work: () => Promise<readonly Finding[]>): Promise<Checked> {
  try {
    return { name, findings: await work() };
  } catch (error) {
    const findings = problemsOf(error).map((problem) => ({
      level: 'error' as const,
      subject: 'connection',
      message: `${problem.message} [${problem.code}]`,
      ...(problem.remedy === undefined ? {} : { remedy: problem.remedy }),
    }));
    return { name, findings };
  }
}

function report(checked: readonly Checked[], output: Output): void {
  const { colors } = output;
  const marks = { ok: colors.green('✓'), warning: colors.yellow('!'), error: colors.red('✗') };
  for (const { name, findings } of checked) {
    print(output, colors.bold(harmless(name)));
    for (const finding of findings) {
      print(output, `  ${marks[finding.level]} ${lines(sentence(finding), '    ')}`);
      if (finding.remedy !== undefined && finding.level !== 'ok')
        print(output, `      ${lines(finding.remedy, '      ')}`);
    }
  }
  const all = checked.flatMap(({ findings }) => findings);
  const errors = all.filter((finding) => finding.level === 'error').length;
  const warnings = all.filter((finding) => finding.level === 'warning').length;
  print(
    output,
    errors === 0
      ? `Ready${warnings === 0 ? '' : `, with ${warnings} warning(s)`}. Start it with: brimful up`
      : `${errors} thing(s) to mend before this can run.`,
  );
}

/** A message that begins with its subject needs no heading. */
function sentence({ subject, message }: Finding): string {
  return message.startsWith(subject) ? message : `${subject}: ${message}`;
}

function lines(text: string, indent: string): string {
  return text.split('\n').map(harmless).join(`\n${indent}`);
}
