import { isMap, isNode, isScalar, isSeq, parseDocument, type YAMLMap } from 'yaml';
import { isRecord } from '../../src/lib/record.ts';

const MARKED = /(?<=<!-- values -->\n).*(?=<!-- \/values -->)/s;

interface Value {
  readonly path: string;
  readonly type: string;
  readonly default: string;
  readonly description: string;
}

/** The contents of the chart's files. */
interface Chart {
  readonly readme: string;
  /** values.yaml: the comment above a value is its description. */
  readonly values: string;
  /** values.schema.json, for the types. */
  readonly schema: string;
}

/**
 * The README of the chart with the table of values.
 *
 * @throws if a value has no comment or no type, or the README no marks for the table
 */
export function withTableOfValues({ readme, values, schema }: Chart): string {
  const { contents } = parseDocument(values);
  if (!isMap(contents)) throw new Error('values.yaml is not a map');
  const types: unknown = JSON.parse(schema);
  const rows = valuesIn(contents, types, '').map(
    ({ path, type, default: fallback, description }) =>
      `| \`${path}\` | ${type} | \`${fallback}\` | ${description} |\n`,
  );
  const table = `| Value | Type | Default | Description |\n| --- | --- | --- | --- |\n${rows.join('')}`;
  if (!MARKED.test(readme)) throw new Error('README.md lacks the marks <!-- values --> and <!-- /values -->');
  return readme.replace(MARKED, () => table);
}

/** A map with properties in the schema is a group of values; any other map is a value. */
function valuesIn(map: YAMLMap, schema: unknown, prefix: string): Value[] {
  return map.items.flatMap(({ key, value }, index) => {
    if (!isScalar(key)) throw new Error(`${prefix} has a key that is not a scalar`);
    const path = `${prefix}${key.value}`;
    const own = schemaAt(schema, 'properties', String(key.value));
    if (isMap(value) && schemaAt(own, 'properties') !== undefined) return valuesIn(value, own, `${path}.`);
    const [first] = isSeq(value) ? value.items : [];
    const items = schemaAt(own, 'items');
    const below =
      isMap(first) && schemaAt(items, 'properties') !== undefined
        ? valuesIn(first, items, `${path}[].`)
        : undefined;
    // The parser assigns a comment above the first key to the map.
    const comment = key.commentBefore ?? (index === 0 ? map.commentBefore : undefined);
    return [
      {
        path,
        type: typeOf(own, path),
        default: below === undefined ? JSON.stringify(isNode(value) ? value.toJSON() : value) : '[{}]',
        description: lastParagraph(comment ?? '', path),
      },
      ...(below ?? []),
    ];
  });
}

function schemaAt(schema: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((at, key) => (isRecord(at) ? at[key] : undefined), schema);
}

function typeOf(schema: unknown, path: string): string {
  const [type, values] = [schemaAt(schema, 'type'), schemaAt(schema, 'enum')];
  if (typeof type === 'string') return type;
  if (Array.isArray(values)) return [...new Set(values.map((value) => typeof value))].join(' or ');
  throw new Error(`values.schema.json has no type for ${path}`);
}

/** Comments above a blank line describe the file or a group. */
function lastParagraph(comment: string, path: string): string {
  const text = comment.split(/\n\s*\n/).at(-1) ?? '';
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) throw new Error(`values.yaml has no comment above ${path}`);
  return words.join(' ').replaceAll('|', '\\|');
}
