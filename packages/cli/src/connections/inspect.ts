import type { CaptureContext, Finding, Resource } from '@brimful/connector';
import type { CaptureSpec, MaterializationSpec } from '@brimful/model';
import { isDiscovered } from '@brimful/model';
import { captureContext, captureSide, connectorContext, destinationSide } from '../command-context.ts';
import { suggestion } from '../config/nearest.ts';
import type { ConnectorRegistry } from '../connectors.ts';

export interface Inspected {
  readonly findings: readonly Finding[];
  /** Empty where the source cannot be reached. */
  readonly resources: readonly Resource[];
}

/** Connects to a source, and says what is missing for its capture. Changes nothing. */
export async function inspectCapture(
  capture: CaptureSpec,
  connectors: ConnectorRegistry,
  context: CaptureContext = captureContext(capture.name),
): Promise<Inspected> {
  const side = await captureSide(capture, connectors);
  const findings = await side.check(capture.config, context);
  // Without a connection the tables would only repeat what was just said.
  if (findings.some((finding) => finding.level === 'error' && finding.subject === 'connection'))
    return { findings, resources: [] };
  const resources = await side.discover(capture.config, context);
  return { findings: [...findings, ...checkResources(capture, resources)], resources };
}

/** Connects to a destination, and says what is missing. Changes nothing. */
export async function inspectDestination(
  materialization: Pick<MaterializationSpec, 'connector' | 'config'>,
  connectors: ConnectorRegistry,
): Promise<readonly Finding[]> {
  const side = await destinationSide(materialization, connectors);
  return side.check(materialization.config, connectorContext());
}

/** What the configuration says about the source's tables, against what is there. */
function checkResources(capture: CaptureSpec, resources: readonly Resource[]): Finding[] {
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

/** The collection a resource fills under this configuration; undefined when it is not captured. */
export function collectionFor(resource: Resource, capture: CaptureSpec): string | undefined {
  const binding = capture.bindings.find((candidate) => candidate.resource === resource.name);
  if (binding !== undefined) return binding.target;
  const { autoDiscover } = capture;
  if (autoDiscover === undefined || !isDiscovered(resource.name, autoDiscover)) return undefined;
  return `${autoDiscover.prefix}/${resource.suggestedTarget}`;
}
