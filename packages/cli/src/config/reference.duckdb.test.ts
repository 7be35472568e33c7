import { expect, test } from 'vitest';
import { builtInConnectors } from '../connectors.ts';
import { configReference } from './reference.ts';

test("the reference in the documentation is the schema's own", async () => {
  const reference = await configReference(builtInConnectors);
  await expect(reference).toMatchFileSnapshot('../../../../docs/reference/configuration.md');
});
