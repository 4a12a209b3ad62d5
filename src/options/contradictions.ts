/** Options that can't stand together. Throws UsageError. */
import { UsageError } from '../errors.ts'
import { cleanPath } from '../plan/box-path.ts'
import type { MountRequest, Options } from './types.ts'

export function refuseContradictions(o: Options): void {
  refuseRootOfTmpfs(o)
  refuseBesideImage(o)
  if (o.ro && o.overlay) contradict('--ro and --overlay', 'a read-only root has no changes to keep apart')
  if (o.mapRoot && o.user) contradict('--map-root and --user', 'both say who you are in the box; --map-root is user 0')
  if (o.userns && shares(o, 'user'))
    contradict('--userns and --share user', "the user namespace is either new or the host's")
  if (o.nest && shares(o, 'user'))
    contradict('--nest and --share user', 'in a container the user namespace is what allows the box to mount')
  if (o.allowUserns && (o.privileged || (o.seccomp !== undefined && o.seccomp !== 'socketcall')))
    contradict(
      `--allow-userns and ${o.privileged ? '--privileged' : '--seccomp'}`,
      'it changes the default filter, which the other option takes away',
    )
  if (o.fakeRoot) refuseBesideFakeRoot(o)
  refuseBesideNetwork(o)
  if (o.net !== undefined && o.net !== 'host' && shares(o, 'abstract'))
    contradict(
      `--net ${o.net} and --share abstract`,
      "abstract sockets belong to the network, and the box does not have the host's",
    )
  if (o.mapRoot && shares(o, 'user'))
    contradict('--map-root and --share user', 'mapping ids needs a new user namespace')
  if (o.mapAuto && shares(o, 'user'))
    contradict('--map-auto and --share user', 'mapping ids needs a new user namespace')
  if (o.hostname && shares(o, 'uts')) contradict('--hostname and --share uts', "the name would become the host's")
  if (o.init === false && shares(o, 'pid'))
    contradict('--no-init and --share pid', 'only a new pid namespace has a process 1')
  if (o.timeout && shares(o, 'pid'))
    contradict('--timeout and --share pid', 'only a pid namespace of its own ends with all that is in it')
  if (o.statusFd !== undefined && o.keepFds?.includes(o.statusFd))
    contradict('--keep-fd and --status-fd', `the command could write into the events on descriptor ${o.statusFd}`)
  if (o.verbose && o.quiet) contradict('--verbose and --quiet', 'choose one')
}

function refuseBesideNetwork({ net, allowHosts, allowPrivate, checkSni, publish }: Options): void {
  if (net === 'host' && allowHosts !== undefined)
    throw new UsageError("--net host and --allow-host: on the host's network the box reaches every host", LEAVE_OUT)
  if (net === 'user' && allowHosts !== undefined)
    throw new UsageError('--net user and --allow-host: by pasta the box reaches every host that this one does', ONE_OF)
  if (net === 'host' && publish !== undefined)
    throw new UsageError("--net host and --publish: a box on the host's network has the host's ports", LEAVE_OUT)
  if (allowHosts !== undefined) return
  if (allowPrivate) throw new UsageError('--allow-private: no host is allowed', WITH_HOST)
  if (checkSni) throw new UsageError('--check-sni: no host is allowed', WITH_HOST)
}

const LEAVE_OUT = 'leave out one of them: the box then has a network of its own, or that of the host'
const ONE_OF = 'leave out --net user: the box then reaches the named hosts alone'
const WITH_HOST = 'it goes with --allow-host NAME[:PORT]'

function refuseBesideImage({ image, root, platform, entrypoint, trustImage, pull, insecure }: Options): void {
  if (image !== undefined) {
    if (root !== undefined) contradict('--root and --image', 'both say what the root is')
    if (platform !== undefined && trustImage)
      contradict('--platform and --trust-image', 'a file that is mounted is what it is')
    return
  }
  if (platform !== undefined) throw new UsageError('--platform: only an image is there for several', WITH_IMAGE)
  if (entrypoint !== undefined) throw new UsageError('--entrypoint: only an image has one', WITH_IMAGE)
  if (trustImage) throw new UsageError('--trust-image: there is no image', WITH_IMAGE)
  if (pull !== undefined) throw new UsageError('--pull: only an image is pulled', WITH_IMAGE)
  if (insecure) throw new UsageError('--insecure: only an image is pulled', WITH_IMAGE)
}

const WITH_IMAGE = 'it goes with --image REF'

/** A setuid program that drops its powers must not be told that it has done so. */
function refuseBesideFakeRoot(o: Options): void {
  if (o.mapAuto) contradict('--fake-root and --map-auto', 'with many ids changes of owners and ids are real')
  if (o.allowNewPrivs)
    contradict(
      '--fake-root and --allow-new-privs',
      'a setuid program would keep powers that it believes to have dropped',
    )
  if (o.privileged || o.seccomp === 'none')
    contradict(
      `--fake-root and ${o.privileged ? '--privileged' : '--seccomp none'}`,
      'the filter of system calls gives the answers, and the other option takes it away',
    )
}

/** A tmpfs on "/" is the root of the box, and all other mounts are made in that. */
function refuseRootOfTmpfs({ root, image, overlay, mounts = [] }: Options): void {
  const at: number[] = []
  for (let n = 0; n < mounts.length; n++) {
    const { type, target } = mounts[n] as MountRequest
    if (type === 'tmpfs' && target !== undefined && cleanPath(target) === '/') at.push(n)
  }
  if (at.length === 0) return
  if (root !== undefined) contradict('--root and --tmpfs /', 'both say what the root is')
  if (image !== undefined) contradict('--image and --tmpfs /', 'both say what the root is')
  if (overlay !== undefined) contradict('--overlay and --tmpfs /', 'an empty root has nothing below its changes')
  if (at.length > 1) throw new UsageError('--tmpfs /: is there twice', 'a box has one root')
  if (at[0] !== 0)
    throw new UsageError(
      '--tmpfs /: must come before all other mounts',
      'it is the root, and would hide what is mounted before it',
    )
}

function contradict(pair: string, why: string): never {
  throw new UsageError(`${pair}: ${why}`)
}

function shares(options: Options, namespace: NonNullable<Options['share']>[number]): boolean {
  return options.share?.includes(namespace) ?? false
}
