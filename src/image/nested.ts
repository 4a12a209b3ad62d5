/** Live systems of Fedora and its kin: a file system in a file of a squashfs. */
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { runHelper } from './helper.ts'
import type { Want } from './image.ts'
import { UNPACKED_ELSEWHERE } from './trusted.ts'
import type { Range } from './ranges.ts'
import { kindOf } from './sniff.ts'

/** `path`: of the file in the squashfs. */
export type Nested = { path: string; kind: string }

/**
 * The file system in a file of the squashfs RANGE; undefined where that is a root itself. The helper looks for it, in
 * its box.
 */
export async function nestedIn(
  { fd, offset, size }: Range,
  about: string,
  { map, signal }: Want,
  host: HostFacts,
): Promise<Nested | undefined> {
  let [path, head] = ['', '']
  await runHelper(
    {
      map,
      args: ['nested', '--offset', String(offset), '--size', String(size)],
      input: fd,
      onEvent: ({ event, path: name, bytes }) => {
        if (event === 'file') path = String(name)
        if (event === 'head') head = String(bytes)
      },
      ...(signal !== undefined && { signal }),
    },
    host,
  )
  return path === '' ? undefined : { path, kind: kindOf(Buffer.from(head, 'hex'), `${about}: ${path}`) }
}

/** Only the kernel reads what is in that file. */
export function refuseNested({ path, kind }: Nested, about: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: `the live system is a file system (${kind}) in the file ${path}, which has to be mounted`,
    path: about,
    hint: UNPACKED_ELSEWHERE,
  })
}
