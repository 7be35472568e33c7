/** What YAML says, as data. */
export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainMap;
export interface PlainMap {
  readonly [key: string]: PlainValue;
}

/** Keys of maps, indices of lists. */
export type ValuePath = readonly (string | number)[];

export function isPlainMap(value: PlainValue | undefined): value is PlainMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isPlainList(value: PlainValue | undefined): value is readonly PlainValue[] {
  return Array.isArray(value);
}

export function valueAt(value: PlainValue, path: ValuePath): PlainValue | undefined {
  let found: PlainValue | undefined = value;
  for (const step of path) {
    if (isPlainMap(found)) found = Object.hasOwn(found, step) ? found[step] : undefined;
    else if (isPlainList(found)) found = found[Number(step)];
    else return undefined;
  }
  return found;
}

/** The same value with another one at `path`; undefined: with none. What is missing on the way is made. */
export function withValueAt(value: PlainValue, path: ValuePath, next: PlainValue | undefined): PlainValue {
  const [step, ...rest] = path;
  if (step === undefined) return next ?? null;
  if (isPlainList(value)) return withItemAt(value, path, next);
  if (typeof step === 'number' && !isPlainMap(value)) return withItemAt([], path, next);
  const map = isPlainMap(value) ? value : {};
  const entries = Object.entries(map);
  if (next === undefined && rest.length === 0) {
    return Object.fromEntries(entries.filter(([key]) => key !== String(step)));
  }
  const isNew = !Object.hasOwn(map, step);
  if (isNew && next === undefined) return map;
  const item = withValueAt(map[step] ?? null, rest, next);
  if (isNew) return Object.fromEntries([...entries, [String(step), item]]);
  return Object.fromEntries(entries.map(([key, old]) => [key, key === String(step) ? item : old]));
}

function withItemAt(
  items: readonly PlainValue[],
  [step, ...rest]: ValuePath,
  next: PlainValue | undefined,
): readonly PlainValue[] {
  const index = Number(step);
  if (next === undefined && rest.length === 0) return items.filter((_, other) => other !== index);
  const item = withValueAt(items[index] ?? null, rest, next);
  return index >= items.length ? [...items, item] : items.with(index, item);
}

export function isSameValue(left: PlainValue | undefined, right: PlainValue | undefined): boolean {
  if (left === right) return true;
  if (isPlainList(left) && isPlainList(right)) {
    return left.length === right.length && left.every((item, index) => isSameValue(item, right[index]));
  }
  if (!isPlainMap(left) || !isPlainMap(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && isSameValue(left[key], right[key]))
  );
}
