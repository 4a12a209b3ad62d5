/** Reads what a box has changed in a place: the overlay's own directory, by a program in a box of its own. */
import { closeSync, readFileSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { startHelper } from '../image/helper.ts'
import { mapKind } from '../image/map.ts'
import { unnamedFile } from '../launch/tmpfile.ts'
import { fromBytes } from '../text/bytes.ts'
import type { ReviewRecord } from './record.ts'

/** `hides`: a directory that shows nothing of the one below it. `whiteout`: nothing is there any more. */
type UpperKind = 'directory' | 'hides' | 'whiteout' | 'file' | 'link' | 'special'
export type Upper = { kind: UpperKind; children: Map<string, Upper> }

/** What a place has, locked: no box can start with it until `close` is called. */
export type OpenUpper = { top: Upper; close(): Promise<void> }

/** The letters of sidecar/unpack/changes.h. */
const KINDS: Readonly<Record<string, UpperKind>> = {
  d: 'directory',
  o: 'hides',
  w: 'whiteout',
  f: 'file',
  l: 'link',
  s: 'special',
}

/** STATE: the directory that the overlay kept its changes in. Rejects with SandboxError, also while the box runs. */
export async function openUpper(
  state: string,
  attributes: ReviewRecord['attributes'],
  host: HostFacts,
): Promise<OpenUpper> {
  const output = unnamedFile()
  try {
    const listed = Promise.withResolvers<void>()
    const running = startHelper(
      {
        map: attributes === 'trusted' ? 'initial' : mapKind({}, host),
        args: ['changes', attributes],
        lowers: [state],
        input: 'pipe',
        output,
        onEvent: ({ event }) => event === 'listed' && listed.resolve(),
      },
      host,
    )
    await Promise.race([listed.promise, running.ended])
    const close = async (): Promise<void> => {
      running.input?.end()
      await running.ended
    }
    return { top: treeOf(readFileSync(`/proc/self/fd/${output}`)), close }
  } catch (error) {
    throw inReview(error, state)
  } finally {
    closeSync(output)
  }
}

function inReview(error: unknown, state: string): unknown {
  if (!(error instanceof SandboxError) || error.step !== 'image') return error
  const still = error.message.includes('still runs')
  return new SandboxError({
    step: 'changes',
    what: still ? 'the box of this review still runs' : error.what,
    path: error.path ?? state,
    code: error.code,
    text: still || error.code !== undefined ? undefined : 'this review was damaged',
    hint: still ? 'nsbox ps shows it: wait until it has ended' : undefined,
  })
}

function treeOf(records: Buffer): Upper {
  const top: Upper = { kind: 'directory', children: new Map() }
  for (const record of fromBytes(records).split('\0')) {
    if (record === '') continue
    const names = record.slice(1).split('/')
    const last = names.pop() as string
    let above = top
    for (const name of names) above = above.children.get(name) ?? above
    above.children.set(last, { kind: KINDS[record.charAt(0)] ?? 'special', children: new Map() })
  }
  return top
}
