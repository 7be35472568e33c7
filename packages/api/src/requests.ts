import type { z } from 'zod';
import type { OperationName } from './endpoints.ts';
import type { OPERATIONS, Operation } from './operations.ts';

type Operations = typeof OPERATIONS;
type Part<Name extends OperationName, Key extends 'path' | 'query' | 'body'> = Operations[Name] extends {
  readonly [key in Key]: infer Schema extends z.ZodType;
}
  ? Schema
  : undefined;

/** A part that an operation does not have is not asked for; one in which everything has a default may be left out. */
type Wanted<Key extends string, Schema> = Schema extends z.ZodType
  ? Record<never, never> extends z.input<Schema>
    ? { readonly [key in Key]?: z.input<Schema> }
    : { readonly [key in Key]: z.input<Schema> }
  : unknown;

/** What a caller says. Queries may be numbers. */
export type Request<Name extends OperationName> = Wanted<'path', Part<Name, 'path'>> &
  Wanted<'query', Part<Name, 'query'>> &
  Wanted<'body', Part<Name, 'body'>>;

type Given<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** What a handler gets: validated, with all defaults. */
export interface ValidRequest<Name extends OperationName> {
  readonly path: Given<Part<Name, 'path'>>;
  readonly query: Given<Part<Name, 'query'>>;
  readonly body: Given<Part<Name, 'body'>>;
}

export type Answer<Name extends OperationName> = z.output<Extract<Operations[Name], Operation>['answer']>;
