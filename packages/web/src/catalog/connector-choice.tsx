import type { ConnectorDescription } from '@brimful/api';
import { Group, Radio, Stack, Text } from '@mantine/core';
import classes from './connector-choice.module.css';

interface ConnectorChoiceProps {
  readonly connectors: readonly ConnectorDescription[];
  readonly value: string | null;
  readonly isDisabled: boolean;
  readonly onChange: (name: string) => void;
}

/** Kinds of sources or destinations, each with how well it is proven. */
export function ConnectorChoice({ connectors, value, isDisabled, onChange }: ConnectorChoiceProps) {
  return (
    <Radio.Group label="Connector" value={value} onChange={onChange} disabled={isDisabled}>
      <Stack gap="xs" mt={6}>
        {connectors.map(({ name, title, verified }) => (
          <Radio.Card key={name} value={name} className={classes.card ?? ''} aria-label={title} p="sm">
            <Group gap="sm" wrap="nowrap">
              <Radio.Indicator disabled={isDisabled} />
              <div>
                <Text size="sm" fw={600}>
                  {title}
                </Text>
                <Text size="xs" className="quiet">
                  {verified === 'unverified' ? 'Not proven on a server yet' : `Proven ${verified}`}
                </Text>
              </div>
            </Group>
          </Radio.Card>
        ))}
      </Stack>
    </Radio.Group>
  );
}
