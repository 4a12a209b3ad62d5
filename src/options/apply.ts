/** Applies each option: it sets a key of the options, or throws a UsageError. */
import type { MountRequest, Options, Shareable } from './types.ts'
import { CAPABILITIES, MAX_FD } from '../plan/constants.ts'
import { lateNetwork } from '../lazy.ts'
import { nearest } from '../text/nearest.ts'
import type { TABLE } from './table.ts'
import {
  bind,
  boxName,
  boxPath,
  choice,
  cpus,
  dir,
  env,
  file,
  hostname,
  integer,
  known,
  maskPath,
  memory,
  network,
  pids,
  quote,
  rulePath,
  symlink,
  time,
  tmpfs,
  ulimit,
  user,
  variableName,
  wrong,
} from './values.ts'

/** An option without an effect below is a compile error, by the last line of the switch. */
type Name = (typeof TABLE)[number]['name']

export const CHANGES = ['in-place', 'review'] as const
export const PULL = ['missing', 'always', 'never'] as const
export const HOST_FILES_WITH = ['localtime'] as const
export const SHAREABLE = ['pid', 'ipc', 'uts', 'cgroup', 'user', 'abstract'] as const satisfies readonly Shareable[]

/**
 * NAME is an option of the table; the value of a flag is ''. One switch, since each start would have to create 45
 * functions.
 */
export function apply(o: Options, name: string, value: string): void {
  const option = name as Name
  switch (option) {
    case 'root':
      o.root = value
      break
    case 'image':
      o.image = value
      break
    case 'platform':
      o.platform = value
      break
    case 'pull':
      o.pull = choice('pull', value, PULL)
      break
    case 'insecure':
      o.insecure = true
      break
    case 'entrypoint':
      o.entrypoint = value
      break
    case 'trust-image':
      o.trustImage = true
      break
    case 'ro':
      o.ro = true
      break
    case 'overlay':
      o.overlay = value === '' ? true : value
      break
    case 'changes':
      o.changes = choice('changes', value, CHANGES)
      break
    case 'host-files':
      o.hostFiles = value === '' ? true : choice('host-files', value, HOST_FILES_WITH)
      break
    case 'no-host-files':
      o.hostFiles = false
      break

    case 'bind':
      add(o, bind('bind', value, {}))
      break
    case 'ro-bind':
      add(o, bind('ro-bind', value, { readonly: true }))
      break
    case 'bind-try':
      add(o, bind('bind-try', value, { optional: true }))
      break
    case 'ro-bind-try':
      add(o, bind('ro-bind-try', value, { readonly: true, optional: true }))
      break
    case 'dev-bind':
      add(o, bind('dev-bind', value, { devices: true }))
      break
    case 'tmpfs':
      add(o, tmpfs(value))
      break
    case 'proc':
      add(o, { type: 'proc', target: boxPath('proc', value) })
      break
    case 'dev':
      add(o, { type: 'dev', target: boxPath('dev', value) })
      break
    case 'mask':
      add(o, { type: 'mask', target: maskPath(value) })
      break
    case 'dir':
      add(o, dir(value))
      break
    case 'symlink':
      add(o, symlink(value))
      break
    case 'file':
      add(o, file(value))
      break
    case 'write':
      ;(o.write ??= []).push(rulePath('write', value))
      break
    case 'keep':
      ;(o.keep ??= []).push(rulePath('keep', value))
      break
    case 'write-try':
      ;(o.writeTry ??= []).push(rulePath('write-try', value))
      break
    case 'keep-try':
      ;(o.keepTry ??= []).push(rulePath('keep-try', value))
      break
    case 'hide':
      ;(o.hide ??= []).push(rulePath('hide', value))
      break
    case 'allow-socket':
      ;(o.sockets ??= []).push(rulePath('allow-socket', value))
      break
    case 'no-follow':
      o.noFollow = true
      break

    case 'share':
      share(o, value)
      break
    case 'net':
      o.net = network(value)
      break
    case 'allow-host':
      addText((o.allowHosts ??= []), lateNetwork().allowedHost(value))
      o.net ??= 'none'
      break
    case 'allow-private':
      o.allowPrivate = true
      break
    case 'check-sni':
      o.checkSni = true
      break
    case 'publish':
      addText((o.publish ??= []), lateNetwork().publishedPort(value))
      o.net ??= 'none'
      break
    case 'hostname':
      o.hostname = hostname(value)
      break

    case 'user':
      o.user = user(value)
      break
    case 'map-root':
      o.mapRoot = true
      break
    case 'map-auto':
      o.mapAuto = true
      break
    case 'userns':
      o.userns = true
      break
    case 'nest':
      o.nest = true
      break
    case 'fake-root':
      o.fakeRoot = true
      break
    case 'no-fake-root':
      o.fakeRoot = false
      break

    case 'cap-add':
      for (const name of value.split(',')) addCapability(o, 'add', name)
      break
    case 'cap-drop':
      for (const name of value.split(',')) addCapability(o, 'drop', name)
      break
    case 'allow-new-privs':
      o.allowNewPrivs = true
      break
    case 'allow-userns':
      o.allowUserns = true
      break
    case 'seccomp':
      o.seccomp = value
      break
    case 'privileged':
      o.privileged = true
      break

    case 'timeout':
      o.timeout = time(value)
      break
    case 'memory':
      o.memory = memory(value)
      break
    case 'cpus':
      o.cpus = cpus(value)
      break
    case 'pids':
      o.pids = pids(value)
      break
    case 'ulimit':
      ;(o.ulimits ??= []).push(ulimit(value))
      break

    case 'cwd':
      o.cwd = boxPath('cwd', value)
      break
    case 'env':
      ;(o.env ??= []).push(env(value))
      break
    case 'env-file':
      ;(o.env ??= []).push({ type: 'file', path: value })
      break
    case 'unset-env':
      ;(o.env ??= []).push({ type: 'unset', name: variableName('unset-env', value) })
      break
    case 'keep-fd':
      for (const number of value.split(',')) keep(o, integer('keep-fd', number, MAX_FD))
      break
    case 'clear-env':
      o.clearEnv = true
      break
    case 'argv0':
      o.argv0 = value
      break
    case 'new-session':
      o.newSession = true
      break
    case 'die-with-parent':
      o.dieWithParent = true
      break
    case 'no-init':
      o.init = false
      break

    case 'name':
      o.name = boxName(value)
      break
    case 'status-fd':
      o.statusFd = integer('status-fd', value, MAX_FD)
      break
    case 'trace-denied':
      o.traceDenied = true
      break
    case 'verbose':
      o.verbose = true
      break
    case 'quiet':
      o.quiet = true
      break

    case 'profile':
    case 'srt-settings':
      // Read before all others: src/cli/parse.ts, src/library/options.ts.
      break

    default:
      option satisfies never
  }
}

function add(options: Pick<Options, 'mounts'>, request: MountRequest): void {
  ;(options.mounts ??= []).push(request)
}

function addText(list: string[], text: string): void {
  if (!list.includes(text)) list.push(text)
}

function keep(options: Pick<Options, 'keepFds'>, fd: number): void {
  if (fd <= 2) throw wrong('keep-fd', `every command has descriptor ${fd}`, 'leave it out')
  const kept = (options.keepFds ??= [])
  if (!kept.includes(fd)) kept.push(fd)
}

function share(options: Pick<Options, 'share'>, value: string): void {
  const kept = (options.share ??= [])
  for (const name of value.split(',')) {
    const namespace = shareable(name)
    if (!kept.includes(namespace)) kept.push(namespace)
  }
}

function shareable(name: string): Shareable {
  const found = known(SHAREABLE, name)
  if (found !== undefined) return found
  const hints: Record<string, string> = {
    net: 'the network is --net host, none or user',
    mount: 'the mount namespace is always new',
  }
  throw wrong(
    'share',
    `${quote(name)} must be one of ${SHAREABLE.join(', ')}`,
    Object.hasOwn(hints, name) ? hints[name] : undefined,
  )
}

/** Names may start with cap_, in upper or lower case. */
function addCapability(options: Pick<Options, 'capabilities'>, type: 'add' | 'drop', value: string): void {
  const lower = value.toLowerCase()
  const plain = lower.startsWith('cap_') ? lower.slice('cap_'.length) : lower
  const name = plain === 'all' ? plain : known(CAPABILITIES, plain)
  if (name === undefined) {
    const near = nearest(plain, [...CAPABILITIES, 'all'])
    throw wrong(
      `cap-${type}`,
      `no capability ${quote(value)}`,
      near === undefined ? 'man 7 capabilities lists them' : `the nearest is ${near}`,
    )
  }
  ;(options.capabilities ??= []).push({ type, name })
}
