/**
 * Patterns for paths, as the program that hides files reads them: sidecar/hide/pattern.h. `*` stands for any text in a
 * name, `?` for one character, `[a-z]` for one of a range, `[!a-z]` and `[^a-z]` for any other, `**` as a whole name
 * for any number of directories, and `\` takes the meaning of the character behind it. Nothing else has a meaning.
 */

type Range = { from: number; to: number }
type Token = 'any text' | 'any character' | { ranges: readonly Range[]; negated: boolean }
type Part = 'any depth' | readonly Token[]

type Glob = {
  /** Whether the pattern stands for PATH itself. */
  matches(path: string): boolean
  /** Whether it stands for PATH, or for a directory above it. */
  covers(path: string): boolean
}

/** PATTERN: absolute. One without the end of a bracket, or with a backslash at its end, stands for nothing. */
export function glob(pattern: string): Glob {
  const parts = namesOf(pattern).map((name) => (name === '**' ? ('any depth' as const) : tokensOf(name)))
  if (parts.includes(undefined)) return { matches: () => false, covers: () => false }
  const ends = (path: string): boolean[] => endsIn(parts as Part[], namesOf(path))
  return { matches: (path) => ends(path).at(-1) === true, covers: (path) => ends(path).includes(true) }
}

/**
 * Whether PATTERNS hide PATH, or a directory above it: one of them stands for it, and none that begins with `!`. All
 * absolute.
 */
export function areHiding(patterns: readonly string[], path: string): boolean {
  const hide = patterns.filter((text) => !text.startsWith('!')).map(glob)
  const show = patterns.filter((text) => text.startsWith('!')).map((text) => glob(text.slice(1)))
  let name = ''
  for (const part of namesOf(path)) {
    name += `/${part}`
    const at = name
    if (hide.some(({ matches }) => matches(at)) && !show.some(({ matches }) => matches(at))) return true
  }
  return false
}

const namesOf = (path: string): string[] => path.split('/').filter((name) => name !== '')

/** For each of NAMES, whether the pattern ends with it. */
function endsIn(parts: readonly Part[], names: readonly string[]): boolean[] {
  let open = behind(parts, 0)
  return names.map((name) => {
    const next: number[] = []
    let ended = false
    for (const n of open) {
      const part = parts[n] as Part
      if (part !== 'any depth' && !isName(part, charactersOf(name))) continue
      if (n === parts.length - 1) ended = true
      if (part === 'any depth') next.push(...behind(parts, n))
      else if (n < parts.length - 1) next.push(...behind(parts, n + 1))
    }
    open = [...new Set(next)]
    return ended
  })
}

/** The number N, and those of the parts that may come next because what is before them may stand for nothing. */
function behind(parts: readonly Part[], n: number): number[] {
  const found = [n]
  for (let at = n; parts[at] === 'any depth' && at < parts.length - 1; at++) found.push(at + 1)
  return parts.length === 0 ? [] : found
}

/** A byte that is no UTF-8 is a lone surrogate in a text (bytes.ts), and a character behind all others. */
function charactersOf(text: string): number[] {
  return Array.from(text, (one) => {
    const number = one.codePointAt(0) as number
    return number >= 0xdc80 && number <= 0xdcff ? 0x110000 + number : number
  })
}

/** Undefined: it can't be read. */
function tokensOf(name: string): Token[] | undefined {
  const characters = charactersOf(name)
  const tokens: Token[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as number
    if (character === STAR) tokens.push('any text')
    else if (character === QUESTION) tokens.push('any character')
    else if (character === OPEN) {
      const set = setAt(characters, at + 1)
      if (set === undefined) return undefined
      tokens.push(set.token)
      at = set.end
    } else {
      if (character === BACKSLASH && ++at === characters.length) return undefined
      const own = characters[at] as number
      tokens.push({ ranges: [{ from: own, to: own }], negated: false })
    }
  }
  return tokens
}

const [STAR, QUESTION, OPEN, CLOSE, BACKSLASH, DASH, NOT, HAT] = charactersOf('*?[]\\-!^') as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
]

/** The set whose bracket is before AT, and the index of its closing one; a bracket that comes first closes nothing. */
function setAt(characters: readonly number[], at: number): { token: Token; end: number } | undefined {
  const negated = characters[at] === NOT || characters[at] === HAT
  const first = negated ? at + 1 : at
  const ranges: Range[] = []
  let next = first
  const take = (): number | undefined => characters[characters[next] === BACKSLASH ? ++next : next]
  for (; next < characters.length && (characters[next] !== CLOSE || next === first); next++) {
    const from = take()
    if (from === undefined) return undefined
    let to: number | undefined = from
    if (characters[next + 1] === DASH && characters[next + 2] !== undefined && characters[next + 2] !== CLOSE) {
      next += 2
      to = take()
    }
    if (to === undefined) return undefined
    ranges.push({ from, to })
  }
  return next < characters.length ? { token: { ranges, negated }, end: next } : undefined
}

/** Goes back to the last star only: what an earlier one took can stay as it is. */
function isName(tokens: readonly Token[], characters: readonly number[]): boolean {
  let token = 0
  let star = -1
  let taken = 0
  for (let at = 0; at < characters.length;) {
    if (tokens[token] === 'any text') {
      star = ++token
      taken = at
    } else if (isOne(tokens[token], characters[at] as number)) {
      token++
      at++
    } else if (star < 0) return false
    else {
      token = star
      at = ++taken
    }
  }
  while (tokens[token] === 'any text') token++
  return token === tokens.length
}

function isOne(token: Token | undefined, character: number): boolean {
  if (token === undefined || token === 'any text') return false
  if (token === 'any character') return true
  return token.ranges.some(({ from, to }) => from <= character && character <= to) !== token.negated
}
