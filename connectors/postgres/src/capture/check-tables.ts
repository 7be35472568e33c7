import type { Finding } from '@brimful/connector';
import { problemWith } from './table-problem.ts';
import type { Table } from './table.ts';

/** One finding per table that has something against it, and one for all that have not. */
export function tableFindings(
  tables: readonly Table[],
  role: string,
  schemas: readonly string[] | undefined,
): Finding[] {
  const where = schemas === undefined ? '' : ` in ${schemas.join(', ')}`;
  if (tables.length === 0) {
    return [
      {
        level: 'warning',
        subject: 'tables',
        message: `There are no tables${where}.`,
        remedy: 'Check `schemas` and the database in the config.',
      },
    ];
  }
  const findings = tables.flatMap((table): Finding[] => {
    const found = problemWith(table, role);
    if (found === undefined) return keylessFinding(table);
    const { problem, refused } = found;
    return [
      {
        level: refused ? 'error' : 'warning',
        subject: table.resource,
        message: refused ? `${problem.message} It will not be captured.` : problem.message,
        ...(problem.remedy === null ? {} : { remedy: problem.remedy }),
      },
    ];
  });
  const fine = tables.length - findings.length;
  if (fine === 0) return findings;
  const message = `${fine} of ${tables.length} tables${where} can be captured as they are.`;
  return [{ level: 'ok', subject: 'tables', message }, ...findings];
}

/** Whole rows in the log work, but cost. */
function keylessFinding(table: Table): Finding[] {
  if (table.identity.key.length > 0) return [];
  return [
    {
      level: 'warning',
      subject: table.resource,
      message: `${table.resource} has no key: it is read in one piece and rows are told apart by all their values.`,
      remedy: 'Add a primary key if its rows have one.',
    },
  ];
}
