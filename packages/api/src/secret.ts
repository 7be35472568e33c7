import type { SecretSummary } from '@brimful/model';
import { z } from 'zod';

const SECRET_LIMIT_CHARACTERS = 100_000;

export const secretName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/, 'must be letters, digits and underscores');

export const secretSummary: z.ZodType<SecretSummary> = z
  .object({ name: z.string(), at: z.number(), who: z.string() })
  .meta({ id: 'Secret', description: 'What is kept under a name. Never its value.' });

export const secretValue = z.strictObject({
  name: secretName,
  value: z.string().min(1).max(SECRET_LIMIT_CHARACTERS),
});
