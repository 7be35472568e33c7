/** Stands for a user's own tool: `hold-file.ts <path> <READ_ONLY|READ_WRITE>` keeps the file open until its input ends; fails when it cannot have it. */
import { DuckDBInstance } from '@duckdb/node-api';

const [path, mode] = process.argv.slice(2);
const instance = await DuckDBInstance.create(path, { access_mode: mode ?? 'READ_WRITE' }).catch(() =>
  process.exit(1),
);
process.stdout.write('held\n');
for await (const _ of process.stdin);
instance.closeSync();
