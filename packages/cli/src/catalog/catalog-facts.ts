import type { CaptureContext, Resource } from '@brimful/connector';
import type { CatalogFacts, SourceTable } from '@brimful/control';
import type { CaptureSpec, CatalogFinding, Json, MaterializationSpec, Problem, Spec } from '@brimful/model';
import type { Store } from '@brimful/store';
import { captureContext } from '../command-context.ts';
import type { Inspected } from '../connections/inspect.ts';
import { inspectCapture, inspectDestination } from '../connections/inspect.ts';
import { withinTime } from '../connections/within-time.ts';
import type { ConnectorRegistry } from '../connectors.ts';
import { problemsOf } from '../terminal/problem-text.ts';

/** For each source and destination that is looked at; they are looked at side by side. */
const LOOK_MILLISECONDS = 15_000;

export interface Looked {
  readonly facts: CatalogFacts;
  readonly findings: readonly CatalogFinding[];
}

export interface LookOptions {
  readonly connectors: ConnectorRegistry;
  readonly store: Store;
  /** False: sources and destinations are not connected to. */
  readonly connects: boolean;
}

/** What a plan rests on beside the two catalogs. Connects only to what is added or changed, and changes nothing there. */
export async function lookAround(before: Spec, after: Spec, options: LookOptions): Promise<Looked> {
  const { store, connects } = options;
  const [schemas, memories] = await Promise.all([
    store.registry.list('schemas/'),
    store.registry.list<CaptureMemory>('captures/'),
  ]);
  const names = new Map(memories.map(({ key, value }) => [key.slice('captures/'.length), value.session]));
  const captured = new Set(schemas.map(({ key }) => key.slice('schemas/'.length, key.lastIndexOf('/'))));
  const slots = new Map([...names].flatMap(([name, session]) => slotOf(name, session)));
  const findings: CatalogFinding[] = [];
  const sources = new Map<string, readonly SourceTable[]>();
  const captures = connects ? changedCaptures(before, after) : [];
  const destinations = connects ? changedDestinations(before, after) : [];
  await Promise.all([
    ...captures.map(async (capture) => {
      const { findings: found, resources } = await inspected(capture, names.get(capture.name), options);
      findings.push(...found);
      if (resources.length > 0) sources.set(capture.name, resources.map(sourceTable));
    }),
    ...destinations.map(async (materialization) => {
      findings.push(...(await inspectedDestination(materialization, options)));
    }),
  ]);
  findings.sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0));
  return { facts: { sources, captured, slots }, findings };
}

interface CaptureMemory {
  readonly session: Json;
}

function slotOf(capture: string, session: Json): readonly (readonly [string, string])[] {
  if (typeof session !== 'object' || session === null || Array.isArray(session)) return [];
  const slot = (session as Readonly<Record<string, Json>>)['slot'];
  return typeof slot === 'string' ? [[capture, slot]] : [];
}

/** Those that are new or other, and those whose tables a new or other materialization follows. */
function changedCaptures(before: Spec, after: Spec): readonly CaptureSpec[] {
  const followed = new Set(changedMaterializations(before, after).map(({ source }) => source));
  return after.captures.filter((capture) => followed.has(capture.name) || isOther(capture, before.captures));
}

/** A change of bindings alone says nothing new about the place they are in. */
function changedDestinations(before: Spec, after: Spec): readonly MaterializationSpec[] {
  return after.materializations.filter((one) => {
    const was = before.materializations.find(({ name }) => name === one.name);
    return (
      was === undefined ||
      was.connector !== one.connector ||
      JSON.stringify(was.config) !== JSON.stringify(one.config)
    );
  });
}

function changedMaterializations(before: Spec, after: Spec): readonly MaterializationSpec[] {
  return after.materializations.filter((one) => isOther(one, before.materializations));
}

function isOther<T extends { readonly name: string }>(one: T, others: readonly T[]): boolean {
  const was = others.find(({ name }) => name === one.name);
  return was === undefined || withoutPlaces(was) !== withoutPlaces(one);
}

/** Where something stands in its file says nothing about it. */
function withoutPlaces(spec: unknown): string {
  return JSON.stringify(spec, (key, value: unknown) => (key === 'at' ? undefined : value));
}

async function inspected(
  capture: CaptureSpec,
  session: Json | undefined,
  { connectors }: LookOptions,
): Promise<{ readonly findings: readonly CatalogFinding[]; readonly resources: readonly Resource[] }> {
  const plain = captureContext(capture.name);
  const context: CaptureContext =
    session === undefined || session === null ? plain : { ...plain, memory: session };
  try {
    const found: Inspected = await withinTime(
      inspectCapture(capture, connectors, context),
      LOOK_MILLISECONDS,
      capture.name,
    );
    return {
      findings: found.findings.map((finding) => shown(capture.name, finding)),
      resources: found.resources,
    };
  } catch (thrown) {
    return { findings: failures(capture.name, thrown), resources: [] };
  }
}

async function inspectedDestination(
  materialization: MaterializationSpec,
  { connectors }: LookOptions,
): Promise<readonly CatalogFinding[]> {
  const { name } = materialization;
  try {
    const found = await withinTime(inspectDestination(materialization, connectors), LOOK_MILLISECONDS, name);
    return found.map((finding) => shown(name, finding));
  } catch (thrown) {
    return failures(name, thrown);
  }
}

function shown(name: string, finding: Inspected['findings'][number]): CatalogFinding {
  const { subject, level, message, remedy } = finding;
  return { subject: `${name}: ${subject}`, level, message, remedy: remedy ?? null };
}

function failures(name: string, thrown: unknown): readonly CatalogFinding[] {
  return problemsOf(thrown).map(({ code, message, remedy }: Problem) => ({
    subject: `${name}: connection`,
    level: 'error',
    message: `${message} [${code}]`,
    remedy: remedy ?? null,
  }));
}

function sourceTable({ name, suggestedTarget, estimate, problem }: Resource): SourceTable {
  return { name, suggestedTarget, ...estimate, isRefused: problem !== undefined };
}
