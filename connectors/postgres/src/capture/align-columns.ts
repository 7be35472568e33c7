import type { Schema } from '@brimful/model';
import type { RelationColumn } from '../wire/pgoutput-relation.ts';
import type { Attribute } from './table.ts';

/**
 * Which attribute each streamed column is.
 *
 * The stream names columns as they were when the change was written; the catalog tells how they are now, which may be
 * later. Both list columns by rising attribute number, and the catalog never forgets a number, so the streamed columns
 * are some of the catalog's in order: of all ways to choose them the one whose names and types fit best.
 * `known` is the shape last delivered: it knows names that the catalog has lost already.
 */
export function alignColumns(
  columns: readonly RelationColumn[],
  attributes: readonly Attribute[],
  known: Schema | undefined,
): readonly Attribute[] | undefined {
  const width = attributes.length + 1;
  const knownNumbers = new Map(known?.columns.map((column) => [column.name, column.sourceId]));
  // best[i][j]: the best fit of the first i columns among the first j attributes.
  const best = new Float64Array((columns.length + 1) * width).fill(Number.NEGATIVE_INFINITY);
  best.fill(0, 0, width);
  for (let i = 1; i <= columns.length; i += 1) {
    const column = columns[i - 1] as RelationColumn;
    const knownNumber = knownNumbers.get(column.name);
    for (let j = i; j <= attributes.length; j += 1) {
      const taken =
        (best[(i - 1) * width + j - 1] as number) + fit(column, attributes[j - 1] as Attribute, knownNumber);
      best[i * width + j] = Math.max(taken, best[i * width + j - 1] as number);
    }
  }
  if (best[columns.length * width + attributes.length] === Number.NEGATIVE_INFINITY) return undefined;
  return trace(columns.length, attributes, best, width);
}

/** A name counts more than a type, because types are changed less often than new columns share one. */
function fit(column: RelationColumn, attribute: Attribute, knownNumber: number | undefined): number {
  let score = 0;
  if (!attribute.dropped && attribute.name === column.name) score += 8;
  if (attribute.number === knownNumber) score += 6;
  if (attribute.type?.oid === column.typeOid) {
    score += attribute.type.modifier === column.modifier ? 3 : 2;
  }
  // A live column of another name and type is the least likely; generated ones do not stream before server 18.
  if (attribute.dropped) score += 1;
  if (attribute.generated !== '') score -= 1;
  return score;
}

function trace(
  count: number,
  attributes: readonly Attribute[],
  best: Float64Array,
  width: number,
): readonly Attribute[] {
  const chosen: Attribute[] = [];
  let j = attributes.length;
  for (let i = count; i > 0; i -= 1) {
    while (j > i && best[i * width + j - 1] === best[i * width + j]) j -= 1;
    chosen.unshift(attributes[j - 1] as Attribute);
    j -= 1;
  }
  return chosen;
}
