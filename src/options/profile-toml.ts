/** Reads TOML by smol-toml. */
import { parse, TomlDate, TomlError } from 'smol-toml'
import {
  failAt,
  faultOfNumber,
  faultOfText,
  MAX_PROFILE_DEPTH,
  pointerPart,
  ProfileTextError,
  type ProfileTable,
} from './profile-text.ts'

/** Throws ProfileTextError at the first fault. */
export function readTomlProfile(text: string): ProfileTable {
  let table: ProfileTable
  try {
    table = parse(text, { maxDepth: MAX_PROFILE_DEPTH })
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    // The library shows the line of the text below its message.
    const [what = ''] = error.message.replace(/^Invalid TOML document: /, '').split('\n')
    return failAt(
      error.line,
      error.column,
      what === 'invalid value' ? 'no value begins so: a text stands in quotes' : what,
    )
  }
  refuseValues(table, '')
  return table
}

/** The library says the place of a fault, but not that of a value: such a one is named by its pointer. */
function refuseValues(value: unknown, pointer: string): void {
  const fail = (fault: string | undefined): void => {
    if (fault !== undefined) throw new ProfileTextError(`${pointer}: ${fault}`)
  }
  if (typeof value === 'string') fail(faultOfText(value))
  else if (typeof value === 'number') fail(faultOfNumber(value))
  else if (value instanceof TomlDate) fail('no option is a date: a text stands in quotes')
  else if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value)) {
      const at = `${pointer}/${pointerPart(key)}`
      const fault = faultOfText(key)
      if (fault !== undefined) throw new ProfileTextError(`${pointer || '/'}: ${fault} in a key`)
      refuseValues(inner, at)
    }
}
