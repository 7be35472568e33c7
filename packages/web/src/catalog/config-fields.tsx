import { Button, Checkbox, Group, Select, Stack, TagsInput, Text, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { ConfigField } from './config-field.ts';
import { isPlainList } from './plain-value.ts';
import { complaintOf, isBareSecret, shownIn, valueOf, variableFor } from './config-field.ts';
import type { PlainMap, PlainValue } from './plain-value.ts';

interface ConfigFieldsProps {
  /** Of the capture or materialization: names of variables are made from it. */
  readonly task: string;
  readonly fields: readonly ConfigField[];
  readonly config: PlainMap;
  readonly isDisabled: boolean;
  /** Undefined: the default holds. */
  readonly onChange: (name: string, value: PlainValue | undefined) => void;
}

/** A connector's config as a form. What is rarely said is folded away. */
export function ConfigFields(props: ConfigFieldsProps) {
  const { fields, config } = props;
  const shown = fields.filter((field) => !field.isExtra);
  const extra = fields.filter((field) => field.isExtra);
  const said = extra.filter(({ name }) => config[name] !== undefined).length;
  return (
    <Stack gap="sm">
      {shown.map((field) => (
        <FieldInput key={field.name} field={field} {...props} />
      ))}
      {extra.length > 0 && (
        <details>
          <summary>
            More settings{' '}
            <span className="quiet">
              ({extra.length}, {said === 0 ? 'all as they come' : `${said} set`})
            </span>
          </summary>
          <Stack gap="sm" mt="sm">
            {extra.map((field) => (
              <FieldInput key={field.name} field={field} {...props} />
            ))}
          </Stack>
        </details>
      )}
    </Stack>
  );
}

interface FieldInputProps extends ConfigFieldsProps {
  readonly field: ConfigField;
}

function FieldInput({ field, task, config, isDisabled, onChange }: FieldInputProps) {
  const { name, title, description, kind, choices, isRequired, otherwise } = field;
  const value = config[name];
  // An empty form is no reproach: what is missing is said by the plan.
  const complaint = value === undefined ? null : complaintOf(field, value);
  const common = {
    label: title,
    description: withDefault(description, otherwise),
    disabled: isDisabled,
    error: complaint,
    withAsterisk: isRequired,
  };
  if (kind === 'yes or no' && typeof value !== 'string') {
    return (
      <Checkbox
        {...common}
        checked={(value ?? otherwise) === true}
        onChange={(event) => onChange(name, event.currentTarget.checked)}
      />
    );
  }
  if (kind === 'choice') {
    return (
      <Select
        {...common}
        data={[...choices]}
        value={value === undefined ? null : shownIn(value)}
        placeholder={otherwise === undefined ? 'As it comes' : shownIn(otherwise)}
        clearable={!isRequired}
        clearButtonProps={{ 'aria-label': `Clear ${title}` }}
        onChange={(chosen) => onChange(name, chosen ?? undefined)}
      />
    );
  }
  if (kind === 'list' && (value === undefined || isPlainList(value))) {
    return (
      <TagsInput
        {...common}
        value={isPlainList(value) ? value.map(shownIn) : []}
        placeholder={isPlainList(value) && value.length > 0 ? '' : shownIn(otherwise)}
        onChange={(items) => onChange(name, items.length === 0 ? undefined : items)}
      />
    );
  }
  return (
    <div>
      <TextInput
        {...common}
        value={shownIn(value)}
        placeholder={field.isSecret ? `\${${variableFor(task, field)}}` : shownIn(otherwise)}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(name, valueOf(field, event.currentTarget.value))}
      />
      {field.isSecret && (
        <SecretHint field={field} task={task} value={value} isDisabled={isDisabled} onChange={onChange} />
      )}
    </div>
  );
}

function withDefault(description: string, otherwise: PlainValue | undefined): string | undefined {
  const isSaid = otherwise === undefined || /default/iu.test(description);
  const text = isSaid ? description : `${description} Default: ${shownIn(otherwise)}.`.trim();
  return text === '' ? undefined : text;
}

interface SecretHintProps {
  readonly field: ConfigField;
  readonly task: string;
  readonly value: PlainValue | undefined;
  readonly isDisabled: boolean;
  readonly onChange: (name: string, value: PlainValue | undefined) => void;
}

/** Where a secret belongs. The file is read by everybody who may read it, and by its history. */
function SecretHint({ field, task, value, isDisabled, onChange }: SecretHintProps): ReactNode {
  const reference = `\${${variableFor(task, field)}}`;
  const isKept = typeof value === 'string' && value.includes('***');
  if (isKept) {
    return (
      <Text size="xs" className="quiet" mt={4}>
        *** stands for what is in the file. It is kept as it is, and never shown.
      </Text>
    );
  }
  const isBare = isBareSecret(field, value);
  if (value !== undefined && !isBare) return null;
  return (
    <Group gap="xs" mt={4} wrap="nowrap" align="center">
      <Text size="xs" className={isBare ? undefined : 'quiet'} role={isBare ? 'status' : undefined}>
        {isBare
          ? 'This puts a secret into the file. Better: keep it in the environment of Brimful.'
          : 'In the environment, and here its name:'}
      </Text>
      <Button
        size="compact-xs"
        variant="default"
        disabled={isDisabled}
        style={{ flexShrink: 0 }}
        onClick={() => onChange(field.name, reference)}
      >
        Use {reference}
      </Button>
    </Group>
  );
}
