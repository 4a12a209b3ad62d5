/** A file with the settings of sandbox-runtime, as options of a box. */
import { UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { printable } from '../text/printable.ts'
import { applyKey } from './from-object.ts'
import { addTo, readFile } from './profile.ts'
import { srtContent, srtContext } from './srt.ts'
import type { Options } from './types.ts'

type Host = Pick<HostFacts, 'cwd' | 'variable' | 'look' | 'opensFiles' | 'hasRead'>

/** Throws SandboxError for a file that can't be read, and UsageError with a JSON pointer for what nsbox can't do. */
export function applySrtSettings(options: Options, word: string, host: Host): void {
  const { path, content } = readFile('srt-settings', word, host)
  const context = srtContext(host, (pointer, what, hint) => {
    throw new UsageError(`--srt-settings ${printable(path)}: ${printable(pointer)}: ${what}`, hint)
  })
  const own: Options = {}
  for (const [key, value] of Object.entries(srtContent(content, context)))
    applyKey(own, key, value, () => host.variable('HOME'))
  addTo(options, own)
}
