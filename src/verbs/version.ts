import { print } from '../cli/output.ts'
import { CONTRACT } from '../plan/constants.ts'
import { VERSION } from '../version.ts'

/** Prints what `--version` asks for. */
export function printVersion(): number {
  return print(`nsbox ${VERSION} (contract ${CONTRACT})\n`)
}
