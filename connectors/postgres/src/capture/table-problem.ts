import type { ProblemCode } from '@brimful/model';
import { Problem } from '@brimful/model';
import { quoteIdentifier } from '../types/identifier.ts';
import type { Table, TableProblem } from './table.ts';

/** What stands against capturing a table, the gravest first; undefined when nothing does. `role`: who we are. */
export function problemWith(table: Table, role: string): TableProblem | undefined {
  const name = table.resource;
  const who = quoteIdentifier(role);
  if (table.kind === 'f') {
    return refused(
      table,
      'BRM-PG-FOREIGN',
      'is a foreign table: its changes are not in this server’s log',
      'Capture it from the server where it lives.',
    );
  }
  if (table.persistence === 'u') {
    return refused(
      table,
      'BRM-PG-UNLOGGED',
      'is unlogged: its changes are not in the server’s log',
      `ALTER TABLE ${name} SET LOGGED;`,
    );
  }
  if (!table.canSelect) {
    const schema = quoteIdentifier(table.schema);
    return refused(
      table,
      'BRM-PG-SELECT',
      `cannot be read by ${role}`,
      `GRANT USAGE ON SCHEMA ${schema} TO ${who}; GRANT SELECT ON ${name} TO ${who};`,
    );
  }
  if (table.rowsHidden) {
    return refused(
      table,
      'BRM-PG-ROW-SECURITY',
      `has row-level security that hides rows from ${role}: a copy would silently lack them`,
      `ALTER ROLE ${who} BYPASSRLS;`,
    );
  }
  if (!table.isOwner) {
    return refused(
      table,
      'BRM-PG-OWNER',
      `belongs to ${table.owner}, and only owners can publish a table`,
      table.ownerIsSuper
        ? `ALTER TABLE ${name} OWNER TO ${who};`
        : `GRANT ${quoteIdentifier(table.owner)} TO ${who};`,
    );
  }
  if (table.leaves.some((leaf) => leaf.kind === 'f')) {
    return refused(
      table,
      'BRM-PG-FOREIGN',
      'has a foreign table as a partition: its changes are not in this server’s log',
      'Capture its partitions one by one.',
    );
  }
  return identityProblem(table);
}

function identityProblem(table: Table): TableProblem | undefined {
  if (table.identity.publication === 'changes') return undefined;
  const where = table.leaves.length > 1 ? ' (it and all its partitions)' : '';
  const problem = new Problem(
    'BRM-PG-NO-KEY',
    `${table.resource} has no key that its log names rows by${where}: inserts and truncates are followed, updates and deletes are not.`,
    {
      remedy: `Add a primary key, or ALTER TABLE ${table.resource} REPLICA IDENTITY FULL;`,
      at: { table: table.resource },
    },
  );
  return { refused: false, problem: problem.toJSON() };
}

function refused(table: Table, code: ProblemCode, what: string, remedy: string): TableProblem {
  const problem = new Problem(code, `${table.resource} ${what}.`, { remedy, at: { table: table.resource } });
  return { refused: true, problem: problem.toJSON() };
}
