/** What each option does with its value: it sets something in what one command line asks for, or throws a UsageError. */
import type { EnvChange, MountRequest, Options, Shareable } from '../plan/options.ts'
import { CAPABILITIES } from '../plan/words.ts'
import { EXTRAS, METHODS, type RootfsOptions } from '../rootfs/choices.ts'
import { nearest } from './nearest.ts'
import type { TABLE, VERB_TABLE } from './table.ts'
import { bind, boxPath, choice, cpus, dir, env, file, integer, known, memory, pids, quote, symlink, time, tmpfs, ulimit, user, wrong } from './values.ts'

/** What the options of one command line add up to. */
export type Draft = { options: Options; planFile?: string; bake?: Baking; rootfs?: RootfsOptions }

/** How a box becomes a program. */
export type Baking = { file?: string; relative?: boolean; force?: boolean }

type Rows = (typeof TABLE)[number]
type Effects = { readonly [R in Rows as R[0]]: (options: Pick<Options, R[4]>, value: string) => void }
type VerbEffects = { readonly [V in keyof typeof VERB_TABLE]: { readonly [R in (typeof VERB_TABLE)[V][number] as R[0]]: (draft: Draft, value: string) => void } }

export const SHAREABLE = ['pid', 'ipc', 'uts', 'cgroup', 'user'] as const satisfies readonly Shareable[]

const EFFECTS: Effects = {
  root: (o, v) => { o.root = v },
  ro: (o) => { o.ro = true },
  overlay: (o, v) => { o.overlay = v === '' ? true : v },

  bind: (o, v) => add(o, bind('bind', v, {})),
  'ro-bind': (o, v) => add(o, bind('ro-bind', v, { readonly: true })),
  'dev-bind': (o, v) => add(o, bind('dev-bind', v, { devices: true })),
  tmpfs: (o, v) => add(o, tmpfs(v)),
  proc: (o, v) => add(o, { type: 'proc', target: boxPath('proc', v) }),
  dev: (o, v) => add(o, { type: 'dev', target: boxPath('dev', v) }),
  mask: (o, v) => add(o, { type: 'mask', target: boxPath('mask', v) }),
  dir: (o, v) => add(o, dir(v)),
  symlink: (o, v) => add(o, symlink(v)),
  file: (o, v) => add(o, file(v)),
  'no-follow': (o) => { o.noFollow = true },

  share,
  net,
  hostname,

  user: (o, v) => { o.user = user(v) },
  'map-root': (o) => { o.mapRoot = true },
  'map-auto': (o) => { o.mapAuto = true },
  userns: (o) => { o.userns = true },

  'cap-add': (o, v) => addCapability(o, 'cap-add', v),
  'cap-drop': (o, v) => addCapability(o, 'cap-drop', v),
  'allow-new-privs': (o) => { o.allowNewPrivs = true },
  seccomp: (o, v) => { o.seccomp = v },
  privileged: (o) => { o.privileged = true },

  timeout: (o, v) => { o.timeout = time(v) },
  memory: (o, v) => { o.memory = memory(v) },
  cpus: (o, v) => { o.cpus = cpus(v) },
  pids: (o, v) => { o.pids = pids(v) },
  ulimit: (o, v) => { (o.ulimits ??= []).push(ulimit(v)) },

  cwd: (o, v) => { o.cwd = boxPath('cwd', v) },
  env: (o, v) => addEnv(o, env(v)),
  'env-file': (o, v) => addEnv(o, { type: 'file', path: v }),
  'clear-env': (o) => { o.clearEnv = true },
  argv0: (o, v) => { o.argv0 = v },
  'new-session': (o) => { o.newSession = true },
  'die-with-parent': (o) => { o.dieWithParent = true },
  'no-init': (o) => { o.init = false },

  'status-fd': (o, v) => { o.statusFd = integer('status-fd', v, 1048576) },
  verbose: (o) => { o.verbose = true },
  quiet: (o) => { o.quiet = true },
}

const VERB_EFFECTS: VerbEffects = {
  run: { plan: (draft, value) => { draft.planFile = value } },
  bake: {
    output: (draft, value) => { (draft.bake ??= {}).file = value },
    relative: (draft) => { (draft.bake ??= {}).relative = true },
    force: (draft) => { (draft.bake ??= {}).force = true },
  },
  rootfs: {
    by: (draft, value) => { (draft.rootfs ??= {}).by = choice('by', value, METHODS) },
    with: (draft, value) => { for (const part of value.split(',')) ((draft.rootfs ??= {}).with ??= []).push(choice('with', part, EXTRAS)) },
    quiet: (draft) => { (draft.rootfs ??= {}).quiet = true },
  },
}

/** NAME is an option that VERB takes; the value of a flag is ''. */
export function apply(draft: Draft, verb: string, name: string, value: string): void {
  const own = (VERB_EFFECTS as Readonly<Record<string, Readonly<Record<string, (draft: Draft, value: string) => void>>>>)[verb]?.[name]
  if (own !== undefined) own(draft, value)
  else (EFFECTS as Readonly<Record<string, (options: Options, value: string) => void>>)[name]?.(draft.options, value)
}

function add(options: Pick<Options, 'mounts'>, request: MountRequest): void {
  (options.mounts ??= []).push(request)
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
  const hints: Record<string, string> = { net: 'the network is --net host or --net none', mount: 'the mount namespace is always new' }
  throw wrong('share', `${quote(name)} must be one of pid, ipc, uts, cgroup, user`, Object.hasOwn(hints, name) ? hints[name] : undefined)
}

function net(options: Pick<Options, 'net'>, value: string): void {
  if (value !== 'host' && value !== 'none') throw wrong('net', `${quote(value)} must be host or none`)
  options.net = value
}

/** 64 bytes is the kernel's __NEW_UTS_LEN, sethostname(2). */
function hostname(options: Pick<Options, 'hostname'>, value: string): void {
  if (Buffer.byteLength(value) > 64) throw wrong('hostname', `${quote(value)} is longer than 64 bytes`)
  options.hostname = value
}

/** With or without cap_, in either case. */
function addCapability(options: Pick<Options, 'capabilities'>, option: 'cap-add' | 'cap-drop', value: string): void {
  const lower = value.toLowerCase()
  const plain = lower.startsWith('cap_') ? lower.slice('cap_'.length) : lower
  const name = plain === 'all' ? plain : known(CAPABILITIES, plain)
  if (name === undefined) {
    const near = nearest(plain, [...CAPABILITIES, 'all'])
    throw wrong(option, `no capability ${quote(value)}`, near === undefined ? 'man 7 capabilities lists them' : `the nearest is ${near}`)
  }
  (options.capabilities ??= []).push({ type: option === 'cap-add' ? 'add' : 'drop', name })
}

function addEnv(options: Pick<Options, 'env'>, change: EnvChange): void {
  (options.env ??= []).push(change)
}
