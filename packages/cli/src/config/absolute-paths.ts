import { resolve } from 'node:path';

/** By convention a connector's config field called `path`, or ending in `Path` or `Directory`, is relative to the configuration file. */
export function withAbsolutePaths(config: unknown, directory: string): unknown {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) return config;
  return Object.fromEntries(
    Object.entries(config).map(([field, value]) => {
      const relative =
        /^path$|(Path|Directory)$/.test(field) &&
        typeof value === 'string' &&
        value !== '' &&
        !value.startsWith(':');
      return [field, relative ? resolve(directory, value) : value];
    }),
  );
}
