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
export type Upper = {
  kind: UpperKind
  children: Map<string, Upper>
  /** The overlay copied it from the host, where it was under this or another name. */
  copied?: true
  /** Names of extended attributes, ACLs among them, that differ from the host's. */
  attributes: string[]
  /** Names of those that are equal. */
  equal: string[]
}

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

/**
 * STATE: the directory that the overlay kept its changes in; PLACE: the one of the host that it shows, if that is still
 * there. Rejects with SandboxError, also while the box runs.
 */
export async function openUpper(
  state: string,
  place: string | undefined,
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
        lowers: place === undefined ? [state] : [state, place],
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
  const top: Upper = { kind: 'directory', children: new Map(), attributes: [], equal: [] }
  let latest = top
  for (const record of fromBytes(records).split('\0')) {
    if (record === '') continue
    const [letter, text] = [record.charAt(0), record.slice(1)]
    if (letter === 'c') latest.copied = true
    if (letter === 'a') latest.attributes.push(text)
    if (letter === 'e') latest.equal.push(text)
    if (letter === 'c' || letter === 'a' || letter === 'e') continue
    const names = text.split('/')
    const last = names.pop() as string
    let above = top
    for (const name of names) above = above.children.get(name) ?? above
    latest = { kind: KINDS[letter] ?? 'special', children: new Map(), attributes: [], equal: [] }
    above.children.set(last, latest)
  }
  return top
}
