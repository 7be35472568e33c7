import { randomBytes } from 'node:crypto';
import type { CatalogContent } from '@brimful/control';
import { amountOfAll, heldByRuns, specDiff, textDiff, undoTaken } from '@brimful/control';
import type { CatalogFinding, CatalogProblem, PublicationPlan, Run } from '@brimful/model';
import type { LoadedConfig } from '../config/load.ts';
import type { Redact } from '../redact.ts';
import { problemsOf } from '../terminal/problem-text.ts';
import type { CatalogText } from './catalog-file.ts';
import { contentOf } from './catalog-content.ts';
import type { Looked } from './catalog-facts.ts';
import { maskedText } from './masked-text.ts';

const EXPIRES_MILLISECONDS = 3_600_000;

export interface PlanParts {
  readonly author: string;
  readonly reason: string;
  readonly disk: CatalogText;
  /** What was applied last, masked; undefined: nothing was. */
  readonly applied: { readonly text: string; readonly revision: string } | undefined;
  /** The new text, with its secrets. */
  readonly next: CatalogText;
  readonly before: CatalogContent;
  /** The new text as a configuration; undefined: it is none, see `problems`. */
  readonly loaded: LoadedConfig | undefined;
  readonly problems: readonly CatalogProblem[];
  readonly looked: Looked | undefined;
  readonly runs: readonly Run[];
  readonly runningDirectory: string | undefined;
  readonly warnings: readonly string[];
  readonly redact: Redact;
  readonly now: number;
}

/** Everything a plan says, from what was found out for it. Pure but for its id. */
export function planFrom(parts: PlanParts): PublicationPlan {
  const { disk, applied, next, before, loaded, looked, redact, now } = parts;
  const changes =
    loaded === undefined || looked === undefined ? [] : specDiff(before, contentOf(loaded), looked.facts);
  const findings = (looked?.findings ?? []).map((finding) => redactedFinding(finding, redact));
  const isOnDisk = next.revision === disk.revision;
  const shownBefore = isOnDisk && applied !== undefined ? applied.text : maskedText(disk.text);
  const reads = changes.filter(({ kind, consequence }) => kind === 'binding' && consequence === 'first read');
  const blocked = loaded === undefined ? [] : blockedBy(parts, loaded, findings);
  return {
    id: `publication-plan-${randomBytes(6).toString('hex')}`,
    createdAt: now,
    expiresAt: now + EXPIRES_MILLISECONDS,
    author: parts.author,
    reason: parts.reason,
    base: disk.revision,
    revision: next.revision,
    text: maskedText(next.text),
    changedOnDisk: applied !== undefined && applied.revision !== disk.revision,
    changes,
    diff: isOnDisk && applied === undefined ? [] : textDiff(shownBefore, maskedText(next.text)),
    problems: parts.problems.map((problem) => ({ ...problem, message: redact(problem.message) })),
    blocked,
    warnings: [...parts.warnings, ...(loaded === undefined ? [] : undoTaken(parts.runs, loaded.spec))],
    findings,
    ...amountOfAll(reads),
  };
}

function blockedBy(
  { next, applied, runs, runningDirectory }: PlanParts,
  loaded: LoadedConfig,
  findings: readonly CatalogFinding[],
): readonly string[] {
  const { spec, dataDirectory } = loaded;
  const isMoved = runningDirectory !== undefined && runningDirectory !== dataDirectory;
  return [
    ...(next.revision === applied?.revision ? ['Nothing changes: this is what was applied last.'] : []),
    ...(isMoved
      ? [
          'The data directory cannot change while Brimful runs: stop it, move the directory, edit the file, start it.',
        ]
      : []),
    ...heldByRuns(runs, spec),
    ...findings.flatMap(({ level, subject, message }) =>
      level === 'error' ? [`${subject}: ${message}`] : [],
    ),
  ];
}

function redactedFinding(finding: CatalogFinding, redact: Redact): CatalogFinding {
  const { message, remedy } = finding;
  return { ...finding, message: redact(message), remedy: remedy === null ? null : redact(remedy) };
}

/** What keeps a text from being a configuration, with its places. */
export function catalogProblems(thrown: unknown): readonly CatalogProblem[] {
  return problemsOf(thrown).map(({ code, message, remedy, at }) => ({
    code,
    message,
    line: typeof at['line'] === 'number' ? at['line'] : null,
    column: typeof at['column'] === 'number' ? at['column'] : null,
    remedy: remedy ?? null,
  }));
}
