/** The headers of the sidecar that come from the tables of src/plan. */
import { VERBS } from '../src/cli/verb.ts'
import { REMEMBERED_VARIABLES } from '../src/host/recorded.ts'
import { CONTRACT, type Field, OBJECTS, type Table, VARIANTS } from '../src/plan/schema.ts'
import { HINTS, STEPS } from '../src/plan/steps.ts'

export const NOTE = 'Generated from src/plan/schema.ts by scripts/gen.ts; change the table, not this file.'

/** The limit on keys in sidecar/plan/field.h. */
const KEY_MAX = 20

const snake = (name: string) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
const cName = (key: string) => (snake(key) === 'default' ? 'default_' : snake(key))
const constant = (...words: string[]) =>
  words.map((word) => (word === word.toUpperCase() ? word : snake(word)).toUpperCase()).join('_')

/** The tables in the order that C needs: an object after the objects that it holds. */
function objectsInnermostFirst(): string[] {
  const done: string[] = []
  const visit = (name: string) => {
    const table: Table = OBJECTS[name as keyof typeof OBJECTS]
    for (const field of Object.values(table))
      if ((field.type === 'object' || field.type === 'objects') && !done.includes(field.of)) visit(field.of)
    if (!done.includes(name)) done.push(name)
  }
  for (const name of Object.keys(OBJECTS).reverse()) visit(name)
  return done
}

function cMember(key: string, field: Field): string {
  const name = cName(key)
  switch (field.type) {
    case 'bool':
      return `bool ${name};`
    case 'int':
      return `int64_t ${name};`
    case 'string':
    case 'base64':
      return `const char *${name};`
    case 'mode':
      return `unsigned ${name};`
    case 'enum':
      return `unsigned ${name};`
    case 'flags':
      return `uint64_t ${name};`
    case 'strings':
      return `char **${name}; size_t ${name}_count;`
    case 'ids':
      return `uint32_t *${name}; size_t ${name}_count;`
    case 'object':
    case 'variant':
      return `struct ${field.of} *${name};`
    case 'objects':
      return `struct ${field.of} *${name}; size_t ${name}_count;`
    case 'variants':
      return `struct ${field.of} *${name}; size_t ${name}_count;`
  }
}

/**
 * A list of words as field.h describes it. A word must not start with a digit, which C would read as part of the
 * escape before it.
 */
function cList(words: readonly string[]): string {
  for (const word of words) if (!/^[A-Za-z_][\w-]*$/.test(word)) throw new Error(`${word}: is not a word of field.h`)
  return `"${words.map((word) => `${word}\\0`).join('')}"`
}

/** All word lists that C knows, in one string; `at` is where a list starts in it. */
class Words {
  private readonly starts = new Map<string, number>()
  private text = ''
  private length = 0

  at(values: readonly string[]): number {
    const id = values.join()
    const known = this.starts.get(id)
    if (known !== undefined) return known
    const start = this.length
    this.starts.set(id, start)
    this.text += `\n\t${cList(values)} "\\0"`
    this.length += values.reduce((sum, value) => sum + value.length + 1, 1)
    return start
  }

  table(): string {
    return `const char contract_words[] =${this.text};`
  }
}

/** Word lists by number (enum) or bit (flags), each once, named after its first field. */
function cWords(all: Words): string {
  const names = new Set<string>()
  const out = ['extern const char contract_words[];', '']
  const add = (prefix: string, key: string, field: Field) => {
    if (field.type !== 'enum' && field.type !== 'flags') return
    const id = field.values.join()
    if (names.has(id)) return
    names.add(id)
    const name = `${prefix}_${snake(key)}`
    const rows = field.values.map(
      (value, n) => `\t${constant(prefix, key, value)} = ${field.type === 'flags' ? `1u << ${n}` : n},`,
    )
    // An enumerator is an int, so a list with more than 31 bits has no enumerators; bit n is word n.
    if (field.values.length < 32) out.push(`enum ${name}_word {`, ...rows, '};')
    out.push(`#define ${name}_words (contract_words + ${all.at(field.values)})`, '')
  }
  for (const [object, table] of Object.entries(OBJECTS))
    for (const [key, field] of Object.entries(table as Table)) add(object, key, field)
  for (const [union, variants] of Object.entries(VARIANTS)) {
    for (const table of Object.values(variants))
      for (const [key, field] of Object.entries(table as Table)) add(union, key, field)
  }
  return out.join('\n')
}

type Entry = { name: string; struct: string; table: Table }

/** All objects in the order of contract_objects: the variants of one kind follow each other. */
const ALL: readonly Entry[] = [
  ...Object.entries<Table>(OBJECTS).map(([name, table]) => ({ name, struct: name, table })),
  ...Object.entries(VARIANTS).flatMap(([kind, variants]) =>
    Object.entries<Table>(variants).map(([type, table]) => ({ name: `${kind}_${type}`, struct: kind, table })),
  ),
]

const KINDS = Object.keys(VARIANTS)

const numberOf = (name: string): number => ALL.findIndex((object) => object.name === name)

const firstOf = (kind: string): number => numberOf(`${kind}_${Object.keys(VARIANTS[kind as keyof typeof VARIANTS])[0]}`)

function cField(struct: string, key: string, field: Field, words: Words): string {
  if (key.length >= KEY_MAX) throw new Error(`${struct}.${key}: a key has less than ${KEY_MAX} bytes, field.h`)
  const parts = [`"${key}"`, `KIND_${field.type.toUpperCase()}`, `offsetof(struct ${struct}, ${cName(key)})`]
  const extra: string[] = field.required ? ['.required = true'] : []
  if (field.type === 'int')
    extra.push(`.min = ${field.min}LL, .max = ${field.max}LL, .absent = ${field.default ?? 0}LL`)
  if (field.type === 'string')
    extra.push(
      `.min = ${field.min ?? 0}, .max = ${field.max ?? 0}, .path = ${field.path === true}, .host = ${field.path === 'host'}`,
    )
  if (field.type === 'base64') extra.push(`.min = ${field.unit}, .max = ${field.max}`)
  if (field.type === 'mode') extra.push(`.absent = 0${field.default ?? '0'}`)
  if (field.type === 'enum')
    extra.push(
      `.of = ${words.at(field.values)}, .absent = ${field.required ? 0 : field.values.indexOf(field.default ?? '')}`,
    )
  if (field.type === 'flags') extra.push(`.of = ${words.at(field.values)}`)
  if (field.type === 'strings')
    extra.push(
      `.min = ${field.min ?? 0}, .max = ${field.max ?? 0}, .path = ${field.entry === 'path'}, .host = ${field.entry === 'host'}, .assignment = ${field.entry === 'assignment'}`,
    )
  if (field.type === 'ids') extra.push(`.min = ${field.min}, .max = ${field.max}`)
  if (field.type === 'object') extra.push(`.of = ${numberOf(field.of)}`)
  if (field.type === 'objects')
    extra.push(`.min = ${field.min ?? 0}, .max = ${field.max ?? 0}, .of = ${numberOf(field.of)}`)
  if (field.type === 'variant') extra.push(`.of = ${KINDS.indexOf(field.of)}`)
  if (field.type === 'variants') extra.push(`.max = ${field.max ?? 0}, .of = ${KINDS.indexOf(field.of)}`)
  if (extra.length === 0) extra.push('.required = false')
  return `\t{${[...parts, ...extra].join(', ')}},`
}

/** The tables that field.h describes. */
function cTables(words: Words): string[] {
  const fields: string[] = []
  const objects: string[] = []
  let first = 0
  for (const { name, struct, table } of ALL) {
    const keys = Object.entries(table)
    fields.push(`\t/* ${name} */`, ...keys.map(([key, field]) => cField(struct, key, field, words)))
    objects.push(`\t{${first}, ${keys.length}, sizeof(struct ${struct})}, /* ${name} */`)
    first += keys.length
  }
  const variants = Object.entries(VARIANTS).map(
    ([kind, of]) =>
      `\t{${words.at(Object.keys(of))}, ${firstOf(kind)}, sizeof(struct ${kind}), offsetof(struct ${kind}, type)}, /* ${kind} */`,
  )
  return [
    ...['static const struct field contract_fields[] = {', ...fields, '};', ''],
    ...['static const struct object contract_objects[] = {', ...objects, '};', ''],
    ...['static const struct variants contract_variants[] = {', ...variants, '};', ''],
    words.table(),
    '',
  ]
}

/** One C structure for all variants: it has the members of all of them, and `type` decides which ones apply. */
function cVariantStruct(name: string, variants: Record<string, Table>): string[] {
  const members = new Map<string, string>()
  for (const table of Object.values(variants))
    for (const [key, field] of Object.entries(table)) members.set(key, cMember(key, field))
  const types = Object.keys(variants)
  return [
    `enum ${name}_type {`,
    ...types.map((type, n) => `\t${constant(name, type)} = ${n},`),
    '};',
    `struct ${name} {`,
    '\tunsigned type; /* enum ' + name + '_type */',
    ...[...members.values()].map((m) => `\t${m}`),
    '};',
    '',
  ]
}

/** The text of `sidecar/plan/contract.h`. */
export function contractHeader(): string {
  const words = new Words()
  const out = [
    `/* ${NOTE} */`,
    '#ifndef NSBOX_PLAN_CONTRACT_H',
    '#define NSBOX_PLAN_CONTRACT_H',
    '',
    '#include <stdbool.h>',
    '#include <stddef.h>',
    '#include <stdint.h>',
    '',
    '#include "plan/field.h"',
    '',
    `#define NSBOX_CONTRACT ${CONTRACT}`,
    '',
    cWords(words),
  ]
  for (const [name, variants] of Object.entries(VARIANTS)) out.push(...cVariantStruct(name, variants))
  for (const name of objectsInnermostFirst()) {
    const table: Table = OBJECTS[name as keyof typeof OBJECTS]
    out.push(
      `struct ${name} {`,
      ...Object.entries(table).map(([key, field]) => `\t${cMember(key, field)} /* ${field.doc} */`),
      '};',
      '',
    )
  }
  out.push('#ifdef NSBOX_CONTRACT_FIELDS', '', `enum { PLAN_OBJECT = ${numberOf('plan')} };`, '', ...cTables(words))
  out.push('#endif', '', '#endif', '')
  return out.join('\n')
}

/** The text of `sidecar/process/verbs.h`. */
export function verbsHeader(): string {
  return [
    '/* Generated from src/cli/verb.ts by scripts/gen.ts; change the list, not this file. */',
    '#ifndef NSBOX_PROCESS_VERBS_H',
    '#define NSBOX_PROCESS_VERBS_H',
    '',
    '/* Each with its NUL; the last one is empty. */',
    `static const char verb_names[] =\n\t"${VERBS.map((verb) => `${verb}\\0`).join('')}";`,
    '',
    '#endif',
    '',
  ].join('\n')
}

/** The text of `src/launch/native/words.h`: texts for an assembler, since that code has no data. */
export function nativeWords(): string {
  const asTexts = (words: readonly string[]) =>
    words.map((word, i) => `\t".asciz \\"${word}\\"\\n"${i < words.length - 1 ? ' \\' : ''}`)
  return [
    '/* Generated from src/cli/verb.ts and src/host/recorded.ts by scripts/gen.ts; change the lists, not this file. */',
    '#ifndef NSBOX_NATIVE_WORDS_H',
    '#define NSBOX_NATIVE_WORDS_H',
    '',
    '#define VERBS \\',
    ...asTexts(VERBS),
    '#define VARIABLES \\',
    ...asTexts(REMEMBERED_VARIABLES),
    'enum {',
    ...REMEMBERED_VARIABLES.map((name) => `\tVARIABLE_${name},`),
    '\tVARIABLES_COUNT',
    '};',
    '',
    '#endif',
    '',
  ].join('\n')
}

/** The text of `sidecar/base/steps.h`. */
export function stepsHeader(): string {
  return [
    '/* Generated from src/plan/steps.ts by scripts/gen.ts; change the table, not this file. */',
    '#ifndef NSBOX_STEPS_H',
    '#define NSBOX_STEPS_H',
    '',
    'enum step {',
    ...STEPS.map((step) => `\tSTEP_${step.toUpperCase().replaceAll(' ', '_')},`),
    '};',
    '',
    ...Object.entries(HINTS).map(([name, hint]) => `#define HINT_${snake(name).toUpperCase()} ${JSON.stringify(hint)}`),
    '',
    '#ifdef NSBOX_STEP_WORDS',
    `static const char step_words[] = "${STEPS.map((step) => `${step}\\0`).join('')}";`,
    '#endif',
    '',
    '#endif',
    '',
  ].join('\n')
}
