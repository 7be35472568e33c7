/** A table as pgoutput announces it, before its first change and after every change of its shape. */
export interface RelationInfo {
  readonly id: number;
  /** Empty in the protocol means pg_catalog; here it is spelled out. */
  readonly schema: string;
  readonly name: string;
  /** REPLICA IDENTITY: default, nothing, full, index. */
  readonly identity: 'd' | 'n' | 'f' | 'i';
  /** In the order of the tuples. Dropped and (before server 18) generated columns are missing. */
  readonly columns: readonly RelationColumn[];
}

export interface RelationColumn {
  readonly name: string;
  /** Part of the replica identity. */
  readonly key: boolean;
  readonly typeOid: number;
  readonly modifier: number;
}
