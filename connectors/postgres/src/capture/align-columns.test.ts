import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RelationColumn } from '../wire/pgoutput-relation.ts';
import { alignColumns } from './align-columns.ts';
import type { Attribute } from './table.ts';

test('a stream behind the catalog by any ALTERs is read with the right column numbers', () => {
  fc.assert(
    fc.property(fc.array(step(), { maxLength: 12 }), fc.nat(12), (steps, at) => {
      const table = new ModelTable();
      let streamed: RelationColumn[] = table.columns();
      let numbers = table.numbers();
      for (const [index, one] of steps.entries()) {
        table.alter(one);
        if (index < at) {
          streamed = table.columns();
          numbers = table.numbers();
        }
      }
      const aligned = alignColumns(streamed, table.attributes, undefined);
      // Names and types of dropped columns are gone from the catalog: only what still tells columns apart must hold.
      expect(aligned?.length).toBe(numbers.length);
      const clear = numbers.flatMap((number, index) => {
        const right = table.attributes[number - 1] as Attribute;
        const { name } = streamed[index] as RelationColumn;
        return !right.dropped && right.name === name && table.everNamed(name) === 1 ? [index] : [];
      });
      expect(clear.map((index) => aligned?.[index]?.number)).toEqual(clear.map((index) => numbers[index]));
      expect(isRising((aligned ?? []).map((attribute) => attribute.number))).toBe(true);
    }),
  );
});

test('a rename keeps the number, a drop and an add of the same name do not', () => {
  const columns = [streamedColumn('id', 23), streamedColumn('a', 25)];
  const known = {
    version: 1,
    key: ['id'],
    columns: columns.map((column, index) => ({
      name: column.name,
      type: { kind: 'text' } as const,
      nullable: true,
      sourceType: 'text',
      sourceId: index + 1,
    })),
  };
  const renamed = [live(1, 'id', 23), live(2, 'b', 25)];
  expect(alignColumns(columns, renamed, known)?.map((one) => one.number)).toEqual([1, 2]);
  const anew = [live(1, 'id', 23), dropped(2), live(3, 'a', 25)];
  expect(alignColumns(columns, anew, known)?.map((one) => one.number)).toEqual([1, 3]);
  const swapped = [live(1, 'a', 25), live(2, 'id', 23)];
  expect(
    alignColumns([columns[1], columns[0]] as RelationColumn[], swapped, known)?.map((one) => one.number),
  ).toEqual([1, 2]);
});

test('a relation with more columns than the table ever had is another table', () => {
  expect(
    alignColumns([streamedColumn('a', 23), streamedColumn('b', 23)], [live(1, 'a', 23)], undefined),
  ).toBeUndefined();
});

type Step =
  | { readonly kind: 'add'; readonly name: number; readonly type: number }
  | { readonly kind: 'drop'; readonly which: number }
  | { readonly kind: 'rename'; readonly which: number; readonly name: number };

function step(): fc.Arbitrary<Step> {
  return fc.oneof(
    fc.record({ kind: fc.constant('add' as const), name: fc.nat(30), type: fc.constantFrom(23, 25, 20) }),
    fc.record({ kind: fc.constant('drop' as const), which: fc.nat(5) }),
    fc.record({ kind: fc.constant('rename' as const), which: fc.nat(5), name: fc.nat(30) }),
  );
}

/** A catalog as ALTER TABLE leaves it. */
class ModelTable {
  attributes: Attribute[] = [live(1, 'id', 23), live(2, 'first', 25)];
  readonly #names: string[] = ['id', 'first'];

  alter(one: Step): void {
    const alive = this.attributes.filter((attribute) => !attribute.dropped && attribute.number > 1);
    if (one.kind === 'add') {
      if (this.#isTaken(one.name)) return;
      this.attributes.push(live(this.attributes.length + 1, this.#name(one.name), one.type));
      return;
    }
    const chosen = alive[one.which % Math.max(1, alive.length)];
    if (chosen === undefined) return;
    if (one.kind === 'rename' && this.#isTaken(one.name)) return;
    this.attributes[chosen.number - 1] =
      one.kind === 'drop' ? dropped(chosen.number) : { ...chosen, name: this.#name(one.name) };
  }

  columns(): RelationColumn[] {
    return this.attributes.flatMap((attribute) =>
      attribute.dropped ? [] : [streamedColumn(attribute.name, attribute.type?.oid as number)],
    );
  }

  numbers(): number[] {
    return this.attributes.flatMap((attribute) => (attribute.dropped ? [] : [attribute.number]));
  }

  everNamed(name: string): number {
    return this.#names.filter((one) => one === name).length;
  }

  #isTaken(name: number): boolean {
    return this.attributes.some((attribute) => !attribute.dropped && attribute.name === `c${name}`);
  }

  #name(name: number): string {
    this.#names.push(`c${name}`);
    return `c${name}`;
  }
}

function live(number: number, name: string, oid: number): Attribute {
  const type = { oid, name: `type ${oid}`, schema: 'pg_catalog', typtype: 'b' as const, modifier: -1 };
  return { ...dropped(number), name, type, dropped: false };
}

function dropped(number: number): Attribute {
  return {
    number,
    name: `........pg.dropped.${number}........`,
    type: undefined,
    dropped: true,
    notNull: false,
    generated: '',
    missing: undefined,
    hasDefault: false,
  };
}

function streamedColumn(name: string, typeOid: number): RelationColumn {
  return { name, key: false, typeOid, modifier: -1 };
}

function isRising(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number));
}
