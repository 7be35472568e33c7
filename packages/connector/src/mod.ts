export * from './capture.ts';
export * from './connector.ts';
export * from './context.ts';
export * from './destination.ts';
export * from './survey.ts';
