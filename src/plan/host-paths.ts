/** Finds the host paths in a plan by the contract table, so that a new key there is found without a change here. */
import { type Field, OBJECTS, type Table, VARIANTS } from './schema.ts'
import type { Plan } from './types.ts'

/** Copies the plan, with `change` applied to each host path. */
export function mapHostPaths<P extends Plan>(plan: P, change: (path: string) => string): P {
  return mapObject(OBJECTS.plan, plan, change) as P
}

function mapObject(table: Table, value: object, change: (path: string) => string): object {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapField(table[key], inner, change)]))
}

function mapField(field: Field | undefined, value: unknown, change: (path: string) => string): unknown {
  switch (field?.type) {
    case 'string':
      return field.path === 'host' && typeof value === 'string' ? change(value) : value
    case 'strings':
      return field.entry === 'host' ? (value as string[]).map(change) : value
    case 'variant':
      return mapObject(variant(field.of, (value as { type: string }).type), value as object, change)
    case 'object':
      return mapObject(OBJECTS[field.of as keyof typeof OBJECTS], value as object, change)
    case 'objects':
      return (value as object[]).map((entry) => mapObject(OBJECTS[field.of as keyof typeof OBJECTS], entry, change))
    case 'variants':
      return (value as { type: string }[]).map((entry) => mapObject(variant(field.of, entry.type), entry, change))
    default:
      return value
  }
}

function variant(name: string, type: string): Table {
  return (VARIANTS as Readonly<Record<string, Readonly<Record<string, Table>>>>)[name]?.[type] ?? {}
}
