import type { CaptureContext, Position } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { quoteText } from '../types/identifier.ts';
import type { RawSession } from '../wire/raw-session.ts';
import type { ChangeBuffer } from './change-buffer.ts';
import type { ChangeStream } from './change-stream.ts';
import type { Heartbeat } from './heartbeat.ts';
import type { JoinedTable } from './joined-table.ts';
import type { JoinedTables } from './joined-tables.ts';
import type { Joiner } from './joiner.ts';
import type { Source } from './open-source.ts';
import type { Catalog } from './catalog.ts';
import type { SourceNames } from './names.ts';
import { keyProblem } from './relations.ts';
import { endOfLog } from './slot.ts';
import { partitionChange, leavesOf, partitionProblem } from './partition-change.ts';

export interface TableWatchOptions {
  readonly source: Source;
  readonly context: CaptureContext;
  readonly catalog: Catalog;
  readonly tables: JoinedTables;
  readonly buffer: ChangeBuffer;
  readonly stream: ChangeStream;
  readonly joiner: Joiner;
  readonly heartbeat: Heartbeat;
  /** Notes the table's partitions durably. */
  readonly remember: (table: JoinedTable) => Promise<void>;
}

/** Between a DROP of a key and our noticing, the application's UPDATEs fail: the shorter the better. */
const LOOK_MILLISECONDS = 1_000;
/** With thousands of tables a look takes a while: at most this part of the time is spent looking. */
const LOOK_SHARE = 1 / 50;
/** A walsender that is never idle says nothing about its progress through other databases' log. */
const HEARTBEAT_MILLISECONDS = 10_000;
/** Less log than this is not worth a transaction. */
const HEARTBEAT_BYTES = 1024n * 1024n;

/** Told once the stream has passed `at`. */
interface News {
  readonly at: Position;
  readonly table: JoinedTable;
  /** Its last: nothing of the table is delivered afterwards. */
  readonly isEnd: boolean;
  tell(): void;
}

/** What the catalog says about a joined table, cheaply enough to ask every second. */
interface Sight {
  readonly name: string;
  readonly leaves: string;
  readonly identified: boolean;
  readonly published: boolean;
}

/**
 * Notices what the stream does not tell: tables dropped, renamed, unpublished, bereft of their key; partitions attached
 * and detached. What it sees is told once the stream has passed the place it was seen at, so behind all earlier changes.
 */
export class TableWatch {
  readonly #options: TableWatchOptions;
  readonly #told = new WeakSet<JoinedTable>();
  readonly #identified = new WeakSet<JoinedTable>();
  /** Tables whose partitions are to be noted, with the place at which the news was told. */
  readonly #unnoted = new Map<JoinedTable, Position | undefined>();
  #due: News[] = [];
  #timer: NodeJS.Timeout | undefined;
  #lookMilliseconds = 0;
  #passed: Position = 0n;
  #movedAt: number;
  #closed = false;

  constructor(options: TableWatchOptions) {
    this.#options = options;
    this.#movedAt = options.context.now();
  }

  start(): void {
    const pause = Math.max(LOOK_MILLISECONDS, this.#lookMilliseconds / LOOK_SHARE);
    this.#timer = setTimeout(() => {
      const started = performance.now();
      this.#look()
        .catch((error: unknown) => {
          // Not worth a session: the next look sees the same, and a lost connection shows in the stream.
          if (!this.#closed) this.#options.context.log.debug({ error }, 'a look at the catalog failed');
        })
        .finally(() => {
          this.#lookMilliseconds = performance.now() - started;
          if (!this.#closed) this.start();
        });
    }, pause);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Updates of a table without a key fail at the application as long as they are to be published. */
  async moveToInserts(table: JoinedTable): Promise<void> {
    const { joiner, context } = this.#options;
    const { table: now } = table;
    const changes = [
      { kind: 'changes', drop: [now] },
      { kind: 'inserts', add: [now] },
    ] as const;
    try {
      await joiner.change(changes, [now.oid]);
    } catch (error) {
      context.log.warn({ table: table.resource, error }, 'cannot move a table without a key');
    }
  }

  async #look(): Promise<void> {
    this.#tellDue();
    const tables = this.#options.tables.live();
    const { control, publications } = this.#options.source;
    const oids = tables.map((table) => table.oid);
    const { at, sights } = await control.use((session) => readSights(session, oids, publications.names));
    for (const table of tables) {
      if (table.ended || this.#told.has(table)) continue;
      await this.#compare(table, sights.get(table.oid), at);
    }
    await this.#noteDurable();
    await this.#beat(at);
  }

  async #compare(table: JoinedTable, sight: Sight | undefined, at: Position): Promise<void> {
    const { buffer } = this.#options;
    if (sight === undefined || sight.name !== JSON.stringify(table.name)) {
      return this.#endAt(at, table, () => buffer.drop(table));
    }
    if (!sight.published) {
      return this.#endAt(at, table, () => buffer.fail(table, unpublishedProblem(table).toJSON()));
    }
    if (table.schema.key.length > 0 && !sight.identified) {
      await this.moveToInserts(table);
      return this.#endAt(at, table, () => buffer.fail(table, keyProblem(table.resource).toJSON()));
    }
    if (table.publication === 'inserts' && sight.identified && !this.#identified.has(table)) {
      this.#identified.add(table);
      this.#tellStale(at, table, identifiedProblem(table));
    }
    if (sight.leaves !== leavesText(table)) await this.#compareLeaves(table, at);
  }

  async #compareLeaves(table: JoinedTable, at: Position): Promise<void> {
    const { catalog, source } = this.#options;
    const [now] = await source.control.use((session) => catalog.tablesByOid(session, [table.oid]));
    if (now === undefined) return;
    const change = partitionChange(table.leaves, now);
    table.leaves = leavesOf(now);
    table.table = now;
    if (change !== undefined) this.#tellStale(at, table, partitionProblem(table.resource, change));
    this.noteOnceDurable(table);
  }

  /**
   * A crash must not lose that a table went stale: its partitions are noted only after something later than the news was
   * acknowledged. Until then the next start finds the same change again.
   */
  noteOnceDurable(table: JoinedTable): void {
    this.#unnoted.set(table, undefined);
  }

  /** The table is being read again: whatever of its news waits to be told is old, but that it ended. */
  fresh(table: JoinedTable): void {
    this.#due = this.#due.filter((news) => news.table !== table || news.isEnd);
    this.#unnoted.delete(table);
  }

  async #noteDurable(): Promise<void> {
    const { buffer, stream, remember } = this.#options;
    for (const [table, told] of this.#unnoted) {
      if (told === undefined) {
        if (this.#due.length === 0) this.#unnoted.set(table, buffer.passed + 1n);
      } else if (stream.acknowledged > told) {
        this.#unnoted.delete(table);
        await remember(table);
      }
    }
  }

  #endAt(at: Position, table: JoinedTable, tell: () => void): void {
    this.#told.add(table);
    const tellOnce = (): void => {
      if (!table.ended) tell();
    };
    this.#tell({ at, table, isEnd: true, tell: tellOnce });
  }

  #tellStale(at: Position, table: JoinedTable, problem: Problem): void {
    const tell = (): void => {
      if (!table.ended) this.#options.buffer.stale(table, problem.toJSON());
    };
    this.#tell({ at, table, isEnd: false, tell });
  }

  #tell(news: News): void {
    this.#due.push(news);
    this.#tellDue();
    if (this.#due.length > 0) this.#options.heartbeat.beat().catch(() => undefined);
  }

  #tellDue(): void {
    const { buffer, stream } = this.#options;
    if (this.#due.length === 0 || buffer.inTransaction) return;
    const ready = this.#due.filter(({ at }) => at <= buffer.passed + 1n);
    if (ready.length === 0) return;
    this.#due = this.#due.filter((one) => !ready.includes(one));
    for (const { tell } of ready) tell();
    stream.notify();
  }

  /** Keeps the slot moving while only others write. */
  async #beat(end: Position): Promise<void> {
    const { buffer, heartbeat, context } = this.#options;
    if (buffer.passed !== this.#passed) {
      this.#passed = buffer.passed;
      this.#movedAt = context.now();
      return;
    }
    const still = context.now() - this.#movedAt >= HEARTBEAT_MILLISECONDS;
    if (!still || buffer.inTransaction || end - this.#passed < HEARTBEAT_BYTES) return;
    this.#movedAt = context.now();
    await heartbeat.beat();
  }
}

/** A relation whose log does not name rows. */
const unidentified = (
  table: string,
): string => `CASE ${table}.relreplident WHEN 'f' THEN false WHEN 'n' THEN true
  ELSE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = ${table}.oid AND i.indisvalid AND i.indimmediate
    AND CASE ${table}.relreplident WHEN 'i' THEN i.indisreplident ELSE i.indisprimary END) END`;

/** One statement, so that a table that goes meanwhile is either there and published, or neither. */
const sightsSql = (oids: readonly number[], names: SourceNames): string => `
SELECT c.oid, json_build_array(n.nspname, c.relname)::text,
  CASE WHEN c.relkind = 'p' THEN COALESCE((SELECT string_agg(t.relid::oid::text, ',' ORDER BY t.relid::oid)
    FROM pg_partition_tree(c.oid) t WHERE t.isleaf), '') ELSE '' END,
  CASE WHEN c.relkind = 'p' THEN NOT EXISTS (SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid
    WHERE t.isleaf AND ${unidentified('l')}) ELSE NOT ${unidentified('c')} END,
  EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
    WHERE r.prrelid = c.oid AND p.pubname IN (${quoteText(names.changes)}, ${quoteText(names.inserts)}))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ANY ('{${oids.join(',')}}'::oid[])`;

async function readSights(
  session: RawSession,
  oids: readonly number[],
  names: SourceNames,
): Promise<{ readonly at: Position; readonly sights: ReadonlyMap<number, Sight> }> {
  const rows = oids.length === 0 ? [] : await session.query(sightsSql(oids, names));
  const sights = rows.map(([oid, name, leaves, identified, published]): [number, Sight] => [
    Number(oid),
    {
      name: JSON.stringify(JSON.parse(name as string)),
      leaves: leaves as string,
      identified: identified === 't',
      published: published === 't',
    },
  ]);
  return { at: await endOfLog(session), sights: new Map(sights) };
}

/** As `sightsSql` lists them. */
function leavesText(table: JoinedTable): string {
  return [...table.leaves.keys()].sort((a, b) => a - b).join(',');
}

/** What was updated or deleted before is still wrong in the collection, so going on as if is no option. */
function identifiedProblem(table: JoinedTable): Problem {
  return new Problem(
    'BRM-PG-KEY-ADDED',
    `${table.resource} has a key now: its updates and deletes can be followed once it is read again.`,
    { remedy: `Reset its collection to read ${table.resource} again.`, at: { table: table.resource } },
  );
}

function unpublishedProblem(table: JoinedTable): Problem {
  return new Problem(
    'BRM-PG-NOT-PUBLISHED',
    `${table.resource} was taken out of this capture's publication: changes made since are not in the stream.`,
    { remedy: `Reset its collection to read ${table.resource} again.`, at: { table: table.resource } },
  );
}
