import type { CatalogProblem } from '@brimful/model';
import { Alert, Button, Code, Stack, Text } from '@mantine/core';

interface CatalogProblemsProps {
  readonly problems: readonly CatalogProblem[];
  /** Undefined: there is no editor to jump into. */
  readonly onJump: ((line: number, column: number) => void) | undefined;
}

/** What keeps a text from being a catalog. A line is a way into the editor. */
export function CatalogProblems({ problems, onJump }: CatalogProblemsProps) {
  if (problems.length === 0) return null;
  return (
    <Alert
      variant="outline"
      color="red"
      role="alert"
      title={
        problems.length === 1
          ? 'This cannot be published yet'
          : `${problems.length} things keep this from being published`
      }
      styles={{ title: { color: 'var(--mantine-color-text)' } }}
    >
      <Stack gap="sm">
        {problems.map(({ code, message, line, column, remedy }) => (
          <div key={`${code} ${line} ${column} ${message}`}>
            <Text size="sm" component="div">
              {line !== null && onJump !== undefined && (
                <Button
                  size="compact-xs"
                  variant="default"
                  mr={8}
                  aria-label={`Go to line ${line}: ${message}`}
                  onClick={() => onJump(line, column ?? 1)}
                >
                  Line {line}
                </Button>
              )}
              {line !== null && onJump === undefined && `Line ${line}: `}
              {message}
            </Text>
            {remedy !== null && (
              <Text size="sm" className="quiet">
                {remedy}
              </Text>
            )}
            <Code>{code}</Code>
          </div>
        ))}
      </Stack>
    </Alert>
  );
}
