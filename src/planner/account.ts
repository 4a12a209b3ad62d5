/** The parts of a plan that come from files of the box itself: users by name and a shell. Most plans have none. */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { latePlanner } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import { isMounted, showsHost } from '../plan/root.ts'
import type { Mount, Root } from '../plan/types.ts'
import type { Account } from './passwd.ts'
import { type Identity, identity, type Ids, uidInBox } from './identity.ts'

/** The words to execute, and the HOME of their user where it is the box's word. */
export type Command = { argv: readonly string[]; home: string | undefined }

/**
 * The user and the command; `uid` is the user's id in the box. `known`: the user of the options, where somebody has
 * looked already. Throws SandboxError for a name that the box lacks.
 */
export function userAndCommand(
  options: Options,
  argv: readonly string[],
  root: Root,
  mounts: readonly Mount[],
  host: HostFacts,
  known?: Account,
): { user: Identity; uid: number; command: Command } {
  const ids = known ?? requestedIds(options, root, mounts, host)
  const user = identity(options, host, ids)
  const uid = uidInBox(user, host.uid)
  return { user, uid, command: argv.length > 0 ? { argv, home: ids?.home } : shellFor(root, mounts, uid, host) }
}

/**
 * Whether changes of owners and ids are answered with success. By itself where root of an image has one id, since
 * package managers fail there otherwise, unless nothing could give the answers, or a setuid program could hear them.
 */
export function fakesRoot(
  { fakeRoot, seccomp, privileged, allowNewPrivs }: Options,
  { idmap }: Identity,
  uid: number,
  isImage: boolean,
): boolean {
  if (fakeRoot !== undefined) return fakeRoot
  return isImage && idmap?.by === 'self' && uid === 0 && seccomp !== 'none' && !privileged && !allowNewPrivs
}

/** The ids of --user, and a home directory where they came from passwd. */
function requestedIds(
  { user: request }: Options,
  root: Root,
  mounts: readonly Mount[],
  host: HostFacts,
): (Ids & { home?: string | undefined }) | undefined {
  if (request === undefined) return undefined
  const { user, group, likeImage } = request
  // For a number passwd adds only groups and HOME, which a mounted image goes without.
  if (typeof user === 'number' && typeof group !== 'string' && (!likeImage || isMounted(root)))
    return { uid: user, gid: group }
  if (isMounted(root))
    throw new SandboxError({
      step: 'user',
      what: 'an image that is mounted has its users in files that show only when the box has started',
      hint: 'a number needs no name: --user UID:GID',
    })
  return latePlanner().accountIn(root, mounts, request, host)
}

/**
 * Without a command, the shell of the user in a root of its own. On the host's root that is an error: a shell there
 * would look like the caller's own.
 */
function shellFor(root: Root, mounts: readonly Mount[], uid: number, host: HostFacts): Command {
  if (showsHost(root) || root.type === 'empty')
    throw new UsageError('no command', 'only a root of its own (--root DIR) has a shell as its default command')
  if (isMounted(root)) return { argv: ['/bin/sh'], home: undefined }
  const { shell, home } = latePlanner().shellIn(root, mounts, uid, host)
  if (shell === undefined)
    throw new UsageError('no command, and the root has no shell', 'looked for /bin/bash and /bin/sh; name a command')
  return { argv: [shell], home }
}
