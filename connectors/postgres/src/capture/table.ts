import type { ProblemRecord } from '@brimful/model';
import type { PostgresType } from '../types/postgres-type.ts';

/** A table as the source's catalog describes it now. */
export interface Table {
  readonly oid: number;
  /** Oid of the partitioned table at the top, or its own. */
  readonly root: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, each part quoted where SQL needs it. What users and the engine call the table. */
  readonly resource: string;
  /** `pg_class.relkind`: ordinary, partitioned, foreign. */
  readonly kind: 'r' | 'p' | 'f';
  readonly persistence: 'p' | 'u' | 't';
  /** Every attribute that ever was, by rising number, dropped ones included. */
  readonly attributes: readonly Attribute[];
  /** A digest of `attributes`. */
  readonly shape: string;
  readonly identity: Identity;
  /** Where rows lie: the table itself, or the leaves of its partition tree by rising oid. */
  readonly leaves: readonly Leaf[];
  /** Row-level security hides rows from this role. */
  readonly rowsHidden: boolean;
  readonly canSelect: boolean;
  /** The role may add it to a publication. */
  readonly isOwner: boolean;
  readonly owner: string;
  /** The owner is a superuser: to become one of its members would be too much. */
  readonly ownerIsSuper: boolean;
}

export interface Attribute {
  /** `attnum`: stays through renames, never used again. */
  readonly number: number;
  readonly name: string;
  /** Undefined when dropped. */
  readonly type: PostgresType | undefined;
  readonly dropped: boolean;
  readonly notNull: boolean;
  /** `s`tored or `v`irtual. */
  readonly generated: '' | 's' | 'v';
  /** `attmissingval`: what rows hold that were written before the column was added. */
  readonly missing: string | undefined;
  readonly hasDefault: boolean;
}

export interface Leaf {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: 'r' | 'f';
  readonly filenode: number;
  readonly pages: number;
  /** All of it: with TOAST. */
  readonly bytes: number;
  /** -1 when never counted. */
  readonly rows: number;
  readonly countedPages: number;
  readonly identity: LeafIdentity;
  /** A partition that was filled before it was attached: its rows did not pass through the stream. */
  readonly attachedLater: boolean;
}

/** How a leaf's log names the rows that updates and deletes hit. */
export interface LeafIdentity {
  readonly mode: 'd' | 'n' | 'f' | 'i';
  /** Columns of the primary key (immediate and valid), in index order. */
  readonly primary: readonly string[] | undefined;
  /** Columns of the index named by REPLICA IDENTITY USING INDEX, in index order. */
  readonly index: readonly string[] | undefined;
}

/** What a collection of the table is keyed by, and which changes can be followed. */
export interface Identity {
  /** Empty: no key. */
  readonly key: readonly string[];
  /** `changes`: everything is published. `inserts`: updates and deletes cannot be followed. */
  readonly publication: 'changes' | 'inserts';
}

/** Bytes of a heap page. All servers we know are built with this. */
export const PAGE_BYTES = 8192;

/** Why a table cannot be captured, or only in part. */
export type TableProblem = { readonly refused: boolean; readonly problem: ProblemRecord };

/** A column that both scans and the stream deliver. `generatedToo`: stored generated columns are published. */
export function isDelivered(attribute: Attribute, generatedToo: boolean): boolean {
  if (attribute.dropped) return false;
  return attribute.generated === '' || (attribute.generated === 's' && generatedToo);
}
