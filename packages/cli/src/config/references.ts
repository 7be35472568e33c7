import type { MaterializationSpec, Place, Problem, Spec } from '@brimful/model';
import type { ConfigDocument } from './document.ts';
import { problemAt } from './document.ts';
import { suggestion } from './nearest.ts';

/** What no single field shows: names that lead nowhere, and two writers of one thing. */
export function checkReferences(spec: Spec, document: ConfigDocument): Problem[] {
  return [
    ...checkCaptureTargets(spec),
    ...checkPrefixes(spec, document),
    ...checkCollections(spec),
    ...checkSources(spec, document),
    ...checkTables(spec),
  ];
}

/** Remembers who claimed a name first, so that the second can be told where. */
class Claims {
  readonly #places = new Map<string, { readonly owner: string; readonly place: Place }>();

  /** The earlier claim, or undefined when this is the first. */
  claim(
    name: string,
    owner: string,
    place: Place,
  ): { readonly owner: string; readonly place: Place } | undefined {
    const earlier = this.#places.get(name);
    if (earlier === undefined) this.#places.set(name, { owner, place });
    return earlier;
  }
}

const NOWHERE: Place = { file: '', line: 1, column: 1 };

function checkCaptureTargets(spec: Spec): Problem[] {
  const problems: Problem[] = [];
  const targets = new Claims();
  for (const capture of spec.captures) {
    const resources = new Claims();
    for (const binding of capture.bindings) {
      const place = binding.at ?? NOWHERE;
      const sameTarget = targets.claim(
        binding.target,
        `${binding.resource} of capture ${capture.name}`,
        place,
      );
      if (sameTarget !== undefined) {
        problems.push(
          problemAt(
            'BRM-CONFIG-DUPLICATE',
            `Two bindings fill the collection ${binding.target}: ${binding.resource} of capture ${capture.name} here, ` +
              `and ${sameTarget.owner} in line ${sameTarget.place.line}. Their rows and keys would mix.`,
            place,
            'Give each binding a target of its own.',
          ),
        );
      }
      const sameResource = resources.claim(binding.resource, binding.resource, place);
      if (sameResource !== undefined) {
        problems.push(
          problemAt(
            'BRM-CONFIG-DUPLICATE',
            `${binding.resource} is bound twice in capture ${capture.name}: here and in line ${sameResource.place.line}.`,
            place,
            'Remove one of the two.',
          ),
        );
      }
    }
  }
  return problems;
}

/** Two captures that discover under one prefix would meet as soon as both have a table of the same name. */
function checkPrefixes(spec: Spec, document: ConfigDocument): Problem[] {
  const prefixes = new Claims();
  return spec.captures.flatMap((capture) => {
    if (capture.autoDiscover === undefined) return [];
    const { prefix } = capture.autoDiscover;
    const place = document.keyPlaceOf(['captures', capture.name]);
    const earlier = prefixes.claim(prefix, capture.name, place);
    if (earlier === undefined) return [];
    return [
      problemAt(
        'BRM-CONFIG-DUPLICATE',
        `The captures ${capture.name} and ${earlier.owner} (line ${earlier.place.line}) both discover tables into ${prefix}/: ` +
          'two tables of one name would fill one collection.',
        place,
        `Set autoDiscover: { prefix: ... } in one of them, or list its tables under bindings.`,
      ),
    ];
  });
}

/** Whether some capture can fill a collection, as far as the file tells. */
function isFilled(collection: string, spec: Spec): boolean {
  return spec.captures.some(
    (capture) =>
      capture.bindings.some((binding) => binding.target === collection) ||
      (capture.autoDiscover !== undefined && collection.startsWith(`${capture.autoDiscover.prefix}/`)),
  );
}

function knownCollections(spec: Spec): string[] {
  return [
    ...new Set([
      ...spec.captures.flatMap((capture) => capture.bindings.map((binding) => binding.target)),
      ...spec.collections.map((collection) => collection.name),
    ]),
  ];
}

function checkCollections(spec: Spec): Problem[] {
  const targets = spec.captures.flatMap((capture) => capture.bindings.map((binding) => binding.target));
  return spec.collections.flatMap((collection) =>
    isFilled(collection.name, spec)
      ? []
      : [
          problemAt(
            'BRM-CONFIG-REFERENCE',
            `No capture fills the collection ${collection.name}.`,
            collection.at ?? NOWHERE,
            `Bind a table to it, or remove it. ${suggestion(collection.name, targets, 'collection')}`,
          ),
        ],
  );
}

function checkSources(spec: Spec, document: ConfigDocument): Problem[] {
  const captures = spec.captures.map((capture) => capture.name);
  return spec.materializations.flatMap((materialization) => {
    const at = ['materializations', materialization.name];
    const problems: Problem[] = [];
    const { source } = materialization;
    if (source !== undefined && !captures.includes(source)) {
      problems.push(unknownCapture(source, spec, document.placeOf([...at, 'source'])));
    }
    if (source === undefined && materialization.bindings.length === 0) {
      problems.push(
        problemAt(
          'BRM-CONFIG-VALUE',
          `The materialization ${materialization.name} has nothing to write: neither source nor bindings.`,
          document.keyPlaceOf(at),
          `Add source: <capture>${captures[0] === undefined ? '' : `, for example source: ${captures[0]}`}.`,
        ),
      );
    }
    for (const [index, binding] of materialization.bindings.entries()) {
      if (isFilled(binding.source, spec)) continue;
      problems.push(
        problemAt(
          'BRM-CONFIG-REFERENCE',
          `There is no collection ${binding.source}.`,
          document.placeOf([...at, 'bindings', index, 'source']),
          suggestion(binding.source, knownCollections(spec), 'collection'),
        ),
      );
    }
    return problems;
  });
}

function unknownCapture(source: string, spec: Spec, place: Place): Problem {
  const isCollection = knownCollections(spec).includes(source);
  return problemAt(
    'BRM-CONFIG-REFERENCE',
    `There is no capture called ${source}.`,
    place,
    isCollection
      ? `${source} is a collection. To materialize only that: bindings: [{ source: ${source} }].`
      : suggestion(
          source,
          spec.captures.map((capture) => capture.name),
          'capture',
        ),
  );
}

function checkTables(spec: Spec): Problem[] {
  const problems: Problem[] = [];
  const tables = new Claims();
  for (const materialization of spec.materializations) {
    const collections = new Claims();
    for (const binding of materialization.bindings) {
      const place = binding.at ?? NOWHERE;
      const owner = `${binding.source} of ${materialization.name}`;
      const sameTable = tables.claim(
        `${destinationIdentity(materialization)} ${binding.table}`,
        owner,
        place,
      );
      if (sameTable !== undefined) {
        problems.push(
          problemAt(
            'BRM-CONFIG-DUPLICATE',
            `Two collections would be written into one table ${binding.table}: ${owner} here, and ${sameTable.owner} in line ${sameTable.place.line}.`,
            place,
            'Give one of them another table.',
          ),
        );
      }
      const sameSource = collections.claim(binding.source, binding.source, place);
      if (sameSource !== undefined) {
        problems.push(
          problemAt(
            'BRM-CONFIG-DUPLICATE',
            `${binding.source} is bound twice in ${materialization.name}: here and in line ${sameSource.place.line}.`,
            place,
            'Remove one of the two, or make a second materialization.',
          ),
        );
      }
    }
  }
  return problems;
}

/** Two materializations with the same connector and config write into the same place. Never shown: it holds secrets. */
function destinationIdentity(materialization: MaterializationSpec): string {
  return `${materialization.connector} ${JSON.stringify(materialization.config)}`;
}
