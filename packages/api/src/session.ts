import { z } from 'zod';

export const session = z
  .object({
    who: z.string().nullable().meta({ description: 'Null: nobody is signed in, and somebody must be.' }),
    authentication: z.enum(['none', 'required']),
    csrfToken: z
      .string()
      .nullable()
      .meta({ description: 'To be sent as X-CSRF-Token with every write of this session.' }),
    version: z.string(),
  })
  .meta({ id: 'Session' });

export type Session = z.output<typeof session>;

const PASSWORD_LIMIT = 1000;
export const credentials = z.strictObject({ password: z.string().min(1).max(PASSWORD_LIMIT) });
