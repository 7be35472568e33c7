import type { Command } from 'commander';
import type { Perform } from './perform.ts';
import { examples } from './perform.ts';

const ABOUT = `
\${NAME} in the file means the environment's variable; where there is none, the secret of that name. Secrets are kept in the
data directory, encrypted (AES-256-GCM) under BRIMFUL_SECRET_KEY (32 bytes in base64), or else under secret.key beside them.
`;

/** `brimful secret …`. */
export function addSecretCommands(root: Command, perform: Perform): void {
  const secret = root
    .command('secret')
    .description('Keep passwords for ${NAME} in the file, encrypted.')
    .addHelpText('after', ABOUT + examples('brimful secret set SHOP_PASSWORD', 'brimful secret list'));
  secret
    .command('set')
    .description('Keep a secret; its value is asked for, or read from standard input.')
    .argument('<name>', 'as ${NAME} in the file')
    .addHelpText(
      'after',
      ABOUT +
        examples('brimful secret set SHOP_PASSWORD', 'pass show shop | brimful secret set SHOP_PASSWORD'),
    )
    .action((name: string) =>
      perform(async (context) => {
        const { setSecret } = await import('./commands/secret.ts');
        const { readSecret } = await import('./terminal/read-secret.ts');
        return setSecret(context, name, () => readSecret(name));
      }),
    );
  secret
    .command('list')
    .description('Names, and when they were kept. Never values.')
    .addHelpText('after', examples('brimful secret list', 'brimful secret list --json'))
    .action(() => perform(async (context) => (await import('./commands/secret.ts')).listSecrets(context)));
  secret
    .command('remove')
    .description('Forget a secret.')
    .argument('<name>', 'as `brimful secret list` shows it')
    .addHelpText('after', examples('brimful secret remove SHOP_PASSWORD'))
    .action((name: string) =>
      perform(async (context) => (await import('./commands/secret.ts')).removeSecret(context, name)),
    );
}
