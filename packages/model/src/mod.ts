export * from "./batch.ts";
export * from "./column.ts";
export * from "./column-type.ts";
export * from "./json.ts";
export * from "./problem.ts";
export * from "./range.ts";
export type { RangeSet } from "./range-set.ts";
export * as rangeSet from "./range-set.ts";
export * from "./schema.ts";
