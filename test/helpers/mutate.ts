/**
 * Random texts that are almost plans, and the same for the same seed: plans of a corpus with changed bytes or tokens,
 * their trees with changed values, keys and depth, and plans that are made up from the contract's own table.
 */
import { toBytes } from '../../src/text/bytes.ts'
import { Members, readJson } from '../../src/plan/json.ts'
import { CONTRACT, type Field, OBJECTS, type Table, VARIANTS } from '../../src/plan/schema.ts'
import { BYTES, ESCAPES, NAMES, NUMBERS, TEXTS, TOKENS, WORDS } from './mutate-pieces.ts'

/** Random numbers by xorshift, https://www.jstatsoft.org/v08/i14 */
export class Chance {
  #state: number

  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) | 1
    for (let n = 0; n < 8; n++) this.below(2)
  }

  below(limit: number): number {
    this.#state ^= this.#state << 13
    this.#state ^= this.#state >>> 17
    this.#state ^= this.#state << 5
    return (this.#state >>> 0) % limit
  }

  one<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T
  }

  /** True once in N times. */
  once(n: number): boolean {
    return this.below(n) === 0
  }
}

type Change = (bytes: readonly number[], chance: Chance, other: readonly number[]) => number[]

/** Replaces one token of a kind in the text by another. */
const replace =
  (kind: RegExp, by: (chance: Chance, token: string) => readonly number[]): Change =>
  (bytes, chance) => {
    const found = [...Buffer.from(bytes).toString('latin1').matchAll(kind)]
    if (found.length === 0) return [...bytes]
    const { index, 0: token } = chance.one(found)
    return bytes.slice(0, index).concat(by(chance, token), bytes.slice(index + token.length))
  }

const insert =
  (pieces: readonly (readonly number[])[]): Change =>
  (bytes, chance) => {
    const at = chance.below(bytes.length + 1)
    return bytes.slice(0, at).concat(chance.one(pieces), bytes.slice(at))
  }

const plain = (text: string): number[] => [...toBytes(text)]
const STRING = /"(?:[^"\\]|\\.)*"/gs
const CHANGES: readonly Change[] = [
  (bytes, chance) => bytes.with(chance.below(bytes.length), chance.below(256)),
  (bytes, chance) => {
    const at = chance.below(bytes.length)
    return bytes.with(at, (bytes[at] ?? 0) ^ (1 << chance.below(8)))
  },
  (bytes, chance) => bytes.toSpliced(chance.below(bytes.length), 1 + chance.below(chance.once(4) ? 40 : 3)),
  (bytes, chance) => {
    const [from, at, length] = [chance.below(bytes.length), chance.below(bytes.length), 1 + chance.below(60)]
    return bytes.toSpliced(at, 0, ...bytes.slice(from, from + length))
  },
  (bytes, chance) => bytes.slice(0, chance.below(bytes.length)),
  (bytes, chance, other) => bytes.slice(0, chance.below(bytes.length)).concat(other.slice(chance.below(other.length))),
  insert(BYTES),
  insert(TOKENS),
  insert(ESCAPES),
  insert(NUMBERS.map(plain)),
  replace(/-?\d[\d.eE+-]*/g, (chance) => plain(chance.one(NUMBERS))),
  replace(STRING, (chance) => plain(JSON.stringify(chance.one(chance.once(2) ? NAMES : WORDS)))),
  replace(STRING, (chance) => plain(JSON.stringify(chance.one(TEXTS)))),
  replace(STRING, (chance, token) => {
    const at = 1 + chance.below(Math.max(1, token.length - 1))
    return [
      ...Buffer.from(token.slice(0, at), 'latin1'),
      ...chance.one(chance.once(3) ? BYTES : ESCAPES),
      ...Buffer.from(token.slice(at), 'latin1'),
    ]
  }),
  replace(/true|false|null|\[|\]|\{|\}|,|:/g, (chance) => chance.one(TOKENS)),
]

// --- Trees
// ---------------------------------------------------------------------------------------------------------------

/** A text that is printed as it is. */
class Raw {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

type Tree = string | number | boolean | null | Raw | Members | Tree[]

const object = (entries: readonly (readonly [string, unknown])[]): Members => new Members(entries)

function deep(depth: number, inner: Tree): Tree {
  return depth === 0 ? inner : depth % 3 === 0 ? object([['a', deep(depth - 1, inner)]]) : [deep(depth - 1, inner)]
}

function anything(chance: Chance): Tree {
  switch (chance.below(9)) {
    case 0:
      return new Raw(chance.one(NUMBERS))
    case 1:
      return chance.one(TEXTS)
    case 2:
      return chance.one(WORDS)
    case 3:
      return chance.once(2)
    case 4:
      return null
    case 5:
      return []
    case 6:
      return object([])
    case 7:
      return deep(chance.below(36), chance.one(TEXTS))
    default:
      return chance.once(2) ? [anything(chance), anything(chance)] : object([[chance.one(NAMES), anything(chance)]])
  }
}

/** The tree with one change at a random depth. */
function changed(tree: Tree, chance: Chance): Tree {
  if (tree instanceof Members && !chance.once(6)) return object(changedEntries(tree.entries, chance))
  if (!Array.isArray(tree) || chance.once(6)) return anything(chance)
  const at = chance.below(tree.length + 1)
  switch (chance.below(6)) {
    case 0:
      return tree.toSpliced(at, 1)
    case 1:
      return tree.toSpliced(at, 0, tree.length > 0 ? chance.one(tree) : anything(chance))
    case 2:
      return tree.toSpliced(at, 0, anything(chance))
    default:
      return at < tree.length ? tree.with(at, changed(tree[at] as Tree, chance)) : tree
  }
}

function changedEntries(entries: Members['entries'], chance: Chance): Members['entries'] {
  const at = chance.below(Math.max(1, entries.length))
  const [key, value] = entries[at] ?? ['x', anything(chance)]
  switch (chance.below(12)) {
    case 0:
      return entries.toSpliced(at, 1)
    case 1:
      return entries.toSpliced(at, 1, [chance.one(chance.once(3) ? TEXTS : NAMES), value])
    case 2:
      return entries.toSpliced(chance.below(entries.length + 1), 0, [key, value])
    case 3:
      return entries.toSpliced(chance.below(entries.length + 1), 0, [chance.one(NAMES), anything(chance)])
    case 4:
      return [...entries.toSpliced(at, 1), [key, value]]
    case 5:
      return [[key, value], ...entries.toSpliced(at, 1)]
    case 6:
      return chance.once(20)
        ? [...entries, ...Array.from({ length: 250 + chance.below(10) }, (_, n) => [`k${n}`, n] as const)]
        : entries.toReversed()
    default:
      return entries.toSpliced(at, 1, [key, changed(value as Tree, chance)])
  }
}

/** The tree as JSON, with random white space and escapes. */
function print(tree: unknown, chance: Chance): string {
  const space = () => (chance.once(12) ? chance.one([' ', '\n', '\t', '\r', '  ']) : '')
  const text = (value: string) =>
    JSON.stringify(chance.once(30) ? [...value].toReversed().join('') : value).replace(/[a-z]/g, (char) =>
      chance.once(150) ? `\\u00${char.charCodeAt(0).toString(16)}` : char,
    )
  const list = (open: string, items: string[], close: string) =>
    `${open}${space()}${items.join(`${space()},${space()}`)}${space()}${close}`
  if (tree instanceof Raw) return tree.text
  if (tree instanceof Members)
    return list(
      '{',
      tree.entries.map(([key, value]) => `${text(key)}${space()}:${space()}${print(value, chance)}`),
      '}',
    )
  if (Array.isArray(tree))
    return list(
      '[',
      tree.map((item) => print(item, chance)),
      ']',
    )
  return typeof tree === 'string' ? text(tree) : JSON.stringify(tree)
}

// --- Plans of the table
// ----------------------------------------------------------------------------------------------------

/** A value that the field allows, or sometimes one just outside of its limits. */
function valueOf(field: Field, chance: Chance): Tree {
  const beside = chance.once(150) ? 1 : 0
  const some = <T>(make: () => T, most = 3) => Array.from({ length: chance.below(most + 1) }, make)
  switch (field.type) {
    case 'bool':
      return chance.once(2)
    case 'int':
      return chance.one([
        field.min - beside,
        field.max + beside,
        Math.min(field.max, field.min + chance.below(2 ** 16)),
      ])
    case 'mode':
      return chance.one(beside ? TEXTS : ['0755', '777', '1777'])
    case 'base64':
      return Buffer.alloc(field.unit * (1 + chance.below(3)) + beside).toString('base64')
    case 'enum':
      return beside ? chance.one(WORDS) : chance.one(field.values)
    case 'flags':
      return beside ? some(() => chance.one(WORDS)) : field.values.filter(() => chance.once(2))
    case 'string':
      return beside ? chance.one(TEXTS) : `${field.path ? '/' : ''}${chance.one(['x', 'é', '\udcff'])}`
    case 'strings':
      return [
        ...Array.from({ length: Math.max(0, (field.min ?? 0) - beside) }, () => 'a=b'),
        ...some(() => (beside ? chance.one(TEXTS) : '/=b')),
      ]
    case 'ids':
      return [
        ...Array.from({ length: field.min - beside }, () => 0),
        ...some(() => chance.one([1, 4294967294, beside * -2])),
      ]
    case 'object':
      return made(OBJECTS[field.of as keyof typeof OBJECTS], chance)
    case 'objects':
      return Array.from(
        {
          length: chance.once(40)
            ? (field.max ?? 0) + beside
            : Math.max(0, (field.min ?? 0) - beside) + chance.below(2),
        },
        () => made(OBJECTS[field.of as keyof typeof OBJECTS], chance),
      )
    case 'variant':
      return variant(field.of, chance)
    case 'variants':
      return some(() => variant(field.of, chance))
  }
}

function variant(name: string, chance: Chance): Members {
  const variants: Readonly<Record<string, Table>> = VARIANTS[name as keyof typeof VARIANTS]
  const type = chance.one(Object.keys(variants))
  return object(shuffled([['type', type] as const, ...made(variants[type] as Table, chance).entries], chance))
}

function shuffled<T>(list: readonly T[], chance: Chance): readonly T[] {
  return chance.once(3)
    ? list
        .map((item) => ({ item, at: chance.below(1000) }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item)
    : list
}

function made(table: Table, chance: Chance): Members {
  const entries = Object.entries(table).filter(([, field]) => (field.required ? !chance.once(100) : chance.once(4)))
  return object(
    shuffled(
      entries.map(([key, field]) => [key, key === 'contract' ? CONTRACT : valueOf(field, chance)] as const),
      chance,
    ),
  )
}

/** A plan from the table that mostly makes sense: without keys that need others. */
function plan(chance: Chance): Members {
  const { entries } = made(OBJECTS.plan, chance)
  const enter = chance.once(4)
  const keep = (key: string) =>
    key === 'root'
      ? !enter
      : enter
        ? !['mounts', 'idmap', 'hostname', 'loopback', 'ping', 'lowPorts', 'own', 'takeBack', 'cgroup'].includes(key) ||
          chance.once(9)
        : key !== 'enter'
  const more: [string, unknown][] = enter
    ? [['enter', made(OBJECTS.enter, chance)]]
    : [['root', variant('root', chance)]]
  const wanted = entries.filter(
    ([key]) => keep(key) && key !== 'enter' && key !== 'root' && (key !== 'namespaces' || !chance.once(2)),
  )
  if (!wanted.some(([key]) => key === 'namespaces'))
    more.push([
      'namespaces',
      chance.once(3)
        ? ['mount']
        : ['mount', 'uts', 'net', 'pid', ...(wanted.some(([key]) => key === 'idmap') ? ['user'] : [])],
    ])
  return object(shuffled([...wanted, ...more], chance))
}

// --- All
// -----------------------------------------------------------------------------------------------------------------

function tryJson(bytes: readonly number[]): Tree | undefined {
  try {
    return readJson(Uint8Array.from(bytes)) as Tree
  } catch {
    return undefined
  }
}

/** An endless sequence of texts. */
export function* mutations(corpus: readonly Uint8Array[], chance: Chance): Generator<Uint8Array> {
  const seeds = corpus.filter(({ length }) => length > 0).map((bytes) => [...bytes])
  // Long texts take most of the time.
  const short = seeds.filter(({ length }) => length < 3000)
  const trees = short.map(tryJson).filter((tree) => tree !== undefined)
  for (;;) {
    const way = chance.below(5)
    if (way < 2) {
      let tree: Tree = way === 0 ? plan(chance) : chance.one(trees)
      for (let left = chance.below(way === 0 ? 2 : 4); left > 0; left--) tree = changed(tree, chance)
      yield toBytes(print(tree, chance))
      continue
    }
    let bytes: number[] = way === 2 ? plain(print(plan(chance), chance)) : chance.one(chance.once(100) ? seeds : short)
    for (let left = 1 + chance.below(3); left > 0 && bytes.length > 0; left--)
      bytes = chance.one(CHANGES)(bytes, chance, chance.one(short))
    yield Uint8Array.from(bytes)
  }
}
