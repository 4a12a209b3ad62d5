/** The credentials that a registry asks for: the WWW-Authenticate header (RFC 9110, section 11.6.1). */

export type Challenge = {
  /** In lower case: "basic", "bearer". */
  scheme: string
  /** Names in lower case. */
  parameters: ReadonlyMap<string, string>
}

/** Characters; what is longer is not read. */
const LONGEST = 8192

const SPACE = /[\s,]*/y
const TOKEN = /[!#$%&'*+.^`|~\w-]+/y
const EQUALS = /\s*=\s*/y
const QUOTED = /"((?:[^"\\]|\\.)*)"/y

/** All challenges of a header; those up to the first that is malformed. */
export function parseChallenges(header: string): Challenge[] {
  if (header.length > LONGEST) return []
  const challenges: Challenge[] = []
  let parameters = new Map<string, string>()
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(header)
    if (match === null) return undefined
    at = pattern.lastIndex
    return match[1] ?? match[0]
  }
  for (;;) {
    take(SPACE)
    const word = take(TOKEN)
    if (word === undefined) return challenges
    if (take(EQUALS) === undefined) {
      parameters = new Map()
      challenges.push({ scheme: word.toLowerCase(), parameters })
      continue
    }
    const quoted = take(QUOTED)?.replace(/\\(.)/g, '$1')
    const value = quoted ?? take(TOKEN)
    if (value === undefined) return challenges
    const name = word.toLowerCase()
    if (!parameters.has(name)) parameters.set(name, value)
  }
}
