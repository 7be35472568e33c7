import { createTheme } from '@mantine/core';

export const THEME = createTheme({
  primaryColor: 'cyan',
  // Dark enough for white text, and light enough to be read on a dark page.
  primaryShade: { light: 9, dark: 9 },
  fontFamily: 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", Menlo, "Liberation Mono", monospace',
  defaultRadius: 'md',
  headings: { fontWeight: '650' },
});
