/** The JSON Schema of plans. */
import { CONTRACT, type Field, MAX_ID, OBJECTS, type Table, VARIANTS } from '../src/plan/schema.ts'
import { NOTE } from './contract-header.ts'

type Schema = Record<string, unknown>

function schemaOf(field: Field): Schema {
  const doc = { description: field.doc }
  switch (field.type) {
    case 'bool':
      return { type: 'boolean', default: false, ...doc }
    case 'int':
      return {
        type: 'integer',
        minimum: field.min,
        maximum: field.max,
        ...(field.default !== undefined && field.default >= field.min ? { default: field.default } : {}),
        ...doc,
      }
    case 'string':
      return {
        type: 'string',
        ...(field.path ? { pattern: field.path === 'host' ? '^\\.?/' : '^/' } : {}),
        ...(field.min ? { minLength: field.min } : {}),
        ...(field.max ? { maxLength: field.max } : {}),
        ...doc,
      }
    case 'base64':
      return {
        type: 'string',
        contentEncoding: 'base64',
        minLength: 4,
        maxLength: Math.ceil(field.max / 3) * 4,
        ...doc,
      }
    case 'mode':
      return { type: 'string', pattern: '^[0-7]{3,4}$', ...(field.default ? { default: field.default } : {}), ...doc }
    case 'enum':
      return { enum: [...field.values], ...(field.default ? { default: field.default } : {}), ...doc }
    case 'flags':
      return { type: 'array', uniqueItems: true, items: { enum: [...field.values] }, ...doc }
    case 'strings':
      return {
        type: 'array',
        ...(field.min ? { minItems: field.min } : {}),
        ...(field.max ? { maxItems: field.max } : {}),
        items: {
          type: 'string',
          ...(field.entry === 'assignment'
            ? { pattern: '^[^=]+=' }
            : field.entry === 'path'
              ? { pattern: '^/' }
              : field.entry === 'host'
                ? { pattern: '^\\.?/' }
                : {}),
        },
        ...doc,
      }
    case 'ids':
      return {
        type: 'array',
        minItems: field.min,
        maxItems: field.max,
        items: { type: 'integer', minimum: 0, maximum: MAX_ID },
        ...doc,
      }
    case 'object':
    case 'variant':
      return { $ref: `#/$defs/${field.of}`, ...doc }
    case 'objects':
      return {
        type: 'array',
        ...(field.min ? { minItems: field.min } : {}),
        ...(field.max ? { maxItems: field.max } : {}),
        items: { $ref: `#/$defs/${field.of}` },
        ...doc,
      }
    case 'variants':
      return {
        type: 'array',
        ...(field.max ? { maxItems: field.max } : {}),
        items: { $ref: `#/$defs/${field.of}` },
        ...doc,
      }
  }
}

function schemaObject(table: Table, type?: string): Schema {
  const properties = Object.fromEntries(Object.entries(table).map(([key, field]) => [key, schemaOf(field)]))
  const required = Object.entries(table)
    .filter(([, field]) => field.required)
    .map(([key]) => key)
  return {
    type: 'object',
    additionalProperties: false,
    required: type ? ['type', ...required] : required,
    properties: type ? { type: { const: type }, ...properties } : properties,
  }
}

/** The text of `docs/plan.schema.json` (JSON Schema 2020-12). */
export function jsonSchema(): string {
  const { plan, ...objects } = OBJECTS
  const defs: Schema = {}
  for (const [name, table] of Object.entries(objects)) defs[name] = schemaObject(table)
  for (const [name, variants] of Object.entries(VARIANTS))
    defs[name] = { oneOf: Object.entries(variants).map(([type, table]) => schemaObject(table, type)) }
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', title: `nsbox plan, contract ${CONTRACT}`, $comment: NOTE, ...schemaObject(plan), $defs: defs }, null, 2)}\n`
}
