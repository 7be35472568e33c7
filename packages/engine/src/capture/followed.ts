import { Problem } from '@brimful/model';
import type { CapturedResource } from './captured-resource.ts';

/** Which table every collection of a capture was fed from by its last session. */
export type Followed = Readonly<Record<string, string>>;

export function followedBy(resources: Iterable<CapturedResource>): Followed {
  return Object.fromEntries([...resources].map(({ collection, name }) => [collection, name]));
}

/**
 * Marks a journal that goes on although the last session did not feed it, or fed it from another table: what the source has
 * forgotten meanwhile is not in it. (Invariant 4) `followed`: undefined where no session has noted it yet. Returns whether it is.
 */
export async function failIfLeftOut(
  resource: CapturedResource,
  followed: Followed | undefined,
): Promise<boolean> {
  const hasBegun = resource.current.writer.head.checkpoint !== undefined;
  if (!hasBegun || followed === undefined || followed[resource.collection] === resource.name) return false;
  const problem = new Problem(
    'BRM-CAPTURE-LEFT-OUT',
    `${resource.name} was not captured into ${resource.collection} for a while: changes made meanwhile are lost.`,
    {
      remedy: `Reset ${resource.collection}.`,
      at: { table: resource.name, collection: resource.collection },
    },
  );
  await resource.follow([{ kind: 'failed', resource: resource.name, problem: problem.toJSON() }]);
  return true;
}
