import type { Misfit } from '@brimful/connector';
import type { EstimatedNumber, Guard, RunRequest, Schema, SchemaChange } from '@brimful/model';
import { compareSchemas } from '@brimful/model';
import type { BindingFacts, PlanFacts, TableFacts } from './plan-facts.ts';

/** By how much two counts may differ without meaning anything, where one of them is not exact. */
const NOISE_PART = 0.05;
const NOISE_ROWS = 100;

/** Which columns may be read alone. */
export function columnGuards({ columns }: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  if (columns === null) return [];
  return bindings.flatMap(({ collection, survey, schema, phase }): Guard[] => {
    const shape = survey?.schema ?? schema;
    if (shape === null) return [];
    const block = (message: string, evidence: string, remedy: string): Guard => ({
      id: 'columns',
      level: 'block',
      subject: collection,
      message,
      evidence,
      remedy,
    });
    const ofKey = columns.filter((name) => shape.key.includes(name));
    if (ofKey.length > 0) {
      return [
        block(
          `${ofKey.join(', ')} is part of the key: rows are found by it, it cannot be read into them.`,
          `key: ${shape.key.join(', ')}`,
          'Leave it out; the key is always read along.',
        ),
      ];
    }
    if (shape.key.length === 0)
      return [block('The table has no key: its rows cannot be found again.', 'no key', 'Read whole rows.')];
    // A complete collection has every row already; after lost changes some would come without their other columns.
    const needed = shape.columns.filter(
      ({ name, nullable, initial }) =>
        !nullable && initial === undefined && !columns.includes(name) && !shape.key.includes(name),
    );
    if (phase !== 'gap' || needed.length === 0) return [];
    return [
      block(
        'Rows that were lost would come back without columns that are never null.',
        `changes were lost, and these are not read: ${needed.map(({ name }) => name).join(', ')}`,
        'Read whole rows: leave --columns out.',
      ),
    ];
  });
}

/** How the source's shape fits what is there. */
export function schemaGuards(request: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  if (request.mode === 'materialization') return [];
  return bindings.flatMap((binding): Guard[] => {
    const { survey, collection, tables } = binding;
    if (survey === null || survey.problem !== null) return [];
    const unfit = unfitChanges(binding, survey.schema);
    // The collection may have taken the new shape with the stream: its tables, which stopped at it, have not.
    const stopped = tables.flatMap((table) =>
      misfitsOf(table, 'shape').map((why) => `${nameOf(table)}: ${why}`),
    );
    if (unfit.length + stopped.length === 0) return [];
    const evidence = [...unfit, ...stopped].join('; ');
    if (request.mode === 'reset') {
      return [
        {
          id: 'undo-limited',
          level: 'warn',
          subject: collection,
          message:
            stopped.length > 0
              ? 'The present table cannot take what the next one can: after an undo it stays as it is now.'
              : 'The present generation cannot take what the next one can: undo ends with the first such row.',
          evidence,
          remedy: null,
        },
      ];
    }
    return [
      {
        id: 'type-mismatch',
        level: 'block',
        subject: collection,
        message: 'What the source holds now does not fit into the collection and its tables.',
        evidence,
        remedy: 'Use --mode reset: the next generation takes the source’s present shape.',
      },
    ];
  });
}

/** Values that the source is known to hold and a destination has no place for: its table stops at such a row. (Invariant 6) */
export function extremeGuards({ bindings }: PlanFacts): readonly Guard[] {
  return bindings.flatMap(({ tables }) =>
    tables.flatMap((table): Guard[] => {
      const misfits = misfitsOf(table, 'value');
      if (misfits.length === 0) return [];
      return [
        {
          id: 'value-mismatch',
          level: 'confirm',
          subject: nameOf(table),
          message: 'The source holds values that this table cannot: it stops at the first such row.',
          evidence: misfits.join('; '),
          remedy: 'Correct the rows at the source, or leave the column out for this destination.',
        },
      ];
    }),
  );
}

/** Changes after which older values and new ones have no type in common, in words. The stream may have brought them already. */
function unfitChanges({ schema, shapes }: BindingFacts, present: Schema): readonly string[] {
  const changes = (schema === null ? shapes : [...shapes, schema]).flatMap((shape) =>
    compareSchemas(shape, present).filter(({ kind }) => kind === 'incompatible' || kind === 'key'),
  );
  return [...new Set(changes.map(changeText))];
}

/** Whether what the collection and its tables hold can take the source's present shape as it is. */
export function fitsAsItIs(binding: BindingFacts, present: Schema): boolean {
  const stopped = binding.tables.some((table) => misfitsOf(table, 'shape').length > 0);
  return !stopped && unfitChanges(binding, present).length === 0;
}

/** In words. */
function misfitsOf({ survey }: TableFacts, kind: Misfit['kind']): readonly string[] {
  return (survey?.misfits ?? []).filter((misfit) => misfit.kind === kind).map(({ why }) => why);
}

function nameOf({ materialization, table }: TableFacts): string {
  return `${materialization}: ${table}`;
}

/** Without a key rows cannot be told apart: merging in place would empty the table first. (Invariant 7) */
export function keylessGuards({ mode }: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  if (mode !== 'incremental' && mode !== 'repair') return [];
  return bindings
    .filter(({ survey, schema }) => (survey?.schema ?? schema)?.key.length === 0)
    .map(({ collection }) => ({
      id: 'keyless',
      level: 'block',
      subject: collection,
      message: 'The table has no key: its rows cannot be found again, so nothing can be merged in place.',
      evidence: 'no key',
      remedy: 'Use --mode reset: it is read beside the live table and exchanged with it.',
    }));
}

export function changeText(change: SchemaChange): string {
  switch (change.kind) {
    case 'add':
      return `${change.column.name} is new (${change.column.sourceType})`;
    case 'drop':
      return `${change.column.name} is gone`;
    case 'rename':
      return `${change.from} is now called ${change.to}`;
    case 'widen':
    case 'narrow':
    case 'incompatible':
      return `${change.column} was ${change.from.kind} and is ${change.to.kind}`;
    case 'nullable':
      return `${change.column} ${change.nullable ? 'may be' : 'is never'} null now`;
    case 'key':
      return `the key was (${change.from.join(', ')}) and is (${change.to.join(', ')})`;
  }
}

/** A table that lost changes is mended only by a read of all of it. */
export function gapGuards(request: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  const reads = request.mode === 'reset' || (request.mode === 'incremental' && request.scope.kind === 'all');
  const inPlace = request.mode === 'incremental' || request.mode === 'repair';
  return bindings
    .filter(({ phase }) => phase === 'gap')
    .map(({ collection, isCutOff }): Guard => {
      const guard = { id: 'gap', subject: collection, evidence: 'the capture says gap' };
      if (isCutOff && inPlace) {
        return {
          ...guard,
          level: 'block',
          message: 'Its stream was lost and began anew: nothing can be merged into what lacks changes.',
          remedy: 'The smallest run that mends it is --mode reset.',
        };
      }
      if (reads && request.columns === null)
        return { ...guard, level: 'ok', message: 'It has lost changes; this run mends that.', remedy: null };
      return {
        ...guard,
        level: 'confirm',
        message:
          'It has lost changes, and this run does not read all of it: it stays marked as having a gap.',
        remedy: isCutOff
          ? 'The smallest run that mends it is --mode reset.'
          : 'The smallest run that mends it is --mode incremental without bounds.',
      };
    });
}

/** Rows that a reset would leave behind because the source has them no more. */
export function missingRowsGuards(request: RunRequest, { bindings }: PlanFacts): readonly Guard[] {
  if (request.mode !== 'reset') return [];
  return bindings.flatMap((binding): Guard[] => {
    const known = heldRows(binding);
    const { survey, collection } = binding;
    if (known === null || survey === null) return [];
    const lost = known.value - survey.tableRows.value;
    const exact = known.quality === 'exact' && survey.tableRows.quality === 'exact';
    const noise = exact ? 0 : Math.max(NOISE_ROWS, known.value * NOISE_PART);
    if (lost <= noise) return [];
    const amount = Math.round(lost).toLocaleString('en-US');
    const kept = request.missingRows === 'keep';
    return [
      {
        id: 'missing-rows',
        level: kept ? 'warn' : 'confirm',
        subject: collection,
        message: kept
          ? `The source no longer has about ${amount} rows that are here: they are carried over.`
          : `The source no longer has about ${amount} rows that are here: they are not in the next generation.`,
        evidence: `here ${known.value} (${known.quality}), at the source ${survey.tableRows.value} (${survey.tableRows.quality})`,
        remedy: kept ? null : 'To carry them over: --keep-missing.',
      },
    ];
  });
}

/** Softly deleted rows stay in a table, so only tables that delete say how many there are. */
function heldRows({ collectionRows, tables }: BindingFacts): EstimatedNumber | null {
  if (collectionRows !== null) return collectionRows;
  const rows = tables
    .filter(({ deletes }) => deletes === 'hard')
    .map(({ survey }) => survey?.rows ?? null)
    .filter((known) => known !== null);
  return rows.length === 0 ? null : { value: Math.max(...rows), quality: 'statistics' };
}
