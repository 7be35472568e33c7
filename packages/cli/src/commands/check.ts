import type { Finding } from '@brimful/connector';
import type { RuntimeStatus } from '@brimful/model';
import type { CommandContext } from '../command-context.ts';
import { loadedConfig } from '../command-context.ts';
import { inspectCapture, inspectDestination } from '../connections/inspect.ts';
import type { ExitCodeNumber } from '../exit-code.ts';
import { ExitCode } from '../exit-code.ts';
import type { Output } from '../output.ts';
import { print, printJson } from '../output.ts';
import { problemsOf } from '../terminal/problem-text.ts';
import { harmless } from '../terminal/width.ts';
import { checkDataDirectory } from '../data-directory.ts';
import { publishedStatus } from '../published-status.ts';

interface Checked {
  readonly name: string;
  readonly findings: readonly Finding[];
}

/** Connects to everything and says in plain words what is missing. Changes nothing. 1 when something is wrong. */
export async function check(context: CommandContext): Promise<ExitCodeNumber> {
  const { spec, dataDirectory } = await loadedConfig(context);
  const checked = await Promise.all([
    ...spec.captures.map((capture) =>
      checkedAs(
        `capture ${capture.name}`,
        async () => (await inspectCapture(capture, context.connectors)).findings,
      ),
    ),
    ...spec.materializations.map((materialization) =>
      checkedAs(`materialization ${materialization.name}`, () =>
        inspectDestination(materialization, context.connectors),
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
