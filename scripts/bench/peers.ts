/** Other launchers, and how each one's box differs from the measured box. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { COMMAND, root, TOP } from './boxes.ts'
import type { Bench, Command } from './pace.ts'

export type Peer = {
  name: string
  /** The program that must be installed. */
  program: string
  version: (program: string) => string
  argv: (bench: Bench, program: string) => string[]
  /** How its box differs from the measured box. */
  does: string
  /** Whether it is measured in fewer rounds. */
  slow?: true
}

export type Usable = Command & { release: string; does: string; slow: boolean }
export type Absent = { name: string; why: string }

const isRoot = process.getuid?.() === 0

/** A tmpfs on /tmp would hide the programs of such a checkout. */
const BELOW_TMP = TOP.startsWith('/tmp/')
/** What scripts/bench/newest.sh has unpacked. */
const NEWEST = join(TOP, 'dist/bench/newest/usr/bin')

export const RUNTIME = join(TOP, 'dist/bench/node_modules/@anthropic-ai/sandbox-runtime')

export const PEERS: readonly Peer[] = [
  {
    name: 'bubblewrap',
    program: 'bwrap',
    version: said('--version'),
    does: 'the same',
    argv: (bench, program) => [
      program,
      ...BWRAP_NAMESPACES,
      '--bind',
      root(bench),
      '/',
      '--proc',
      '/proc',
      '--tmpfs',
      '/tmp',
      COMMAND,
    ],
  },
  {
    name: 'unshare',
    program: 'unshare',
    version: said('--version'),
    does: "less: the host's root, no tmpfs, nothing dropped, the command is process 1",
    argv: (bench, program) => [
      program,
      ...(isRoot ? [] : ['--user', '--map-current-user']),
      '--mount',
      '--pid',
      '--fork',
      '--ipc',
      '--uts',
      '--cgroup',
      '--mount-proc',
      '--propagation',
      'private',
      bench.program('empty'),
    ],
  },
  {
    name: 'proot',
    program: 'proot',
    version: said('--version'),
    does: 'less: no namespaces, each path is rewritten by ptrace',
    argv: (bench, program) => [program, '-r', root(bench), '-w', '/', COMMAND],
  },
  {
    name: 'crun',
    program: 'crun',
    version: said('--version'),
    does: 'more: a state directory, a /dev; less: no control groups',
    slow: true,
    argv: (bench, program) => [
      program,
      '--root',
      state(bench, 'crun'),
      '--cgroup-manager=disabled',
      'run',
      '-b',
      bundle(bench),
      'nsbox-bench-crun',
    ],
  },
  {
    name: 'runc',
    program: 'runc',
    version: said('--version'),
    does: 'more: a state directory, a /dev, control groups of its own',
    slow: true,
    argv: (bench, program) => [program, '--root', state(bench, 'runc'), 'run', '-b', bundle(bench), 'nsbox-bench-runc'],
  },
  {
    name: 'systemd-nspawn',
    program: 'systemd-nspawn',
    version: said('--version'),
    does: 'more: /dev, /sys, /run, a filter, id checks',
    slow: true,
    argv: (bench, program) => [program, '-q', '--register=no', '--keep-unit', '-D', root(bench), COMMAND],
  },
  {
    name: 'firejail',
    program: 'firejail',
    version: said('--version'),
    does: `on the host's root, without a profile; more: parts of /run, /proc and /sys hidden${BELOW_TMP ? '; less: no tmpfs' : ''}`,
    slow: true,
    argv: (bench, program) => [
      ...[program, '--quiet', '--noprofile'],
      ...(BELOW_TMP ? [] : ['--private-tmp']),
      bench.program('empty'),
    ],
  },
  {
    name: 'sandbox-runtime',
    program: join(RUNTIME, 'dist/cli.js'),
    version: packageVersion,
    does: "on the host's root; more: a filter, no network but through its proxies",
    slow: true,
    argv: (bench, program) => [
      process.env.NODE ?? 'node',
      program,
      '--settings',
      runtimeSettings(bench),
      bench.program('empty'),
    ],
  },
]

export const BWRAP_NAMESPACES = ['--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup']

/** The launchers that are installed and work, and why the others are left out. */
export function findPeers(bench: Bench, wanted?: readonly string[]): { usable: Usable[]; absent: Absent[] } {
  const found = PEERS.map((peer) =>
    (wanted?.includes(peer.name) ?? true) ? tryPeer(bench, peer) : { name: peer.name, why: 'not asked for' },
  )
  return { usable: found.filter((one) => 'argv' in one), absent: found.filter((one) => 'why' in one) }
}

function tryPeer(bench: Bench, peer: Peer): Usable | Absent {
  const program = peer.program.startsWith('/') ? (existsSync(peer.program) ? peer.program : null) : which(peer.program)
  if (program === null) return { name: peer.name, why: 'not installed' }
  const argv = peer.argv(bench, program)
  argv[0] = which(argv[0] ?? '') ?? ''
  const { status, error, stderr } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30000,
  })
  if (status !== 0)
    return { name: peer.name, why: `installed, but fails here: ${error?.message ?? stderr.trim().split('\n').at(-1)}` }
  return { name: peer.name, argv, release: peer.version(program), does: peer.does, slow: peer.slow ?? false }
}

/** Returns a function that removes what systemd-nspawn has left behind since, on a machine without systemd. */
export function watchControlGroups(): () => void {
  const groups = ['', 'systemd/', 'unified/'].flatMap((hierarchy) =>
    ['payload', 'supervisor'].map((name) => `/sys/fs/cgroup/${hierarchy}${name}`),
  )
  const absent = groups.filter((path) => !existsSync(path))
  return () => {
    for (const path of absent.filter((path) => existsSync(path))) rmdirSync(path)
  }
}

/** An absolute path, so that no search in PATH is timed: the newest release that there is here. */
export function which(name: string): string | null {
  return name.startsWith('/') ? name : Bun.which(name, { PATH: `${NEWEST}:${process.env.PATH}:/usr/sbin:/sbin` })
}

/** The first number in a program's --version. */
export function said(...args: string[]): (program: string) => string {
  return (program) =>
    /\d+(\.\d+)+|\b\d{3}\b/.exec(spawnSync(program, args, { encoding: 'utf8' }).stdout ?? '')?.[0] ?? '?'
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(RUNTIME, 'package.json'), 'utf8')) as { version: string }).version
}

function state({ dir }: Bench, name: string): string {
  const directory = join(dir, `${name}-state`)
  mkdirSync(directory, { recursive: true })
  return directory
}

/** The configuration that container engines hand to their runtimes, reduced to the measured box. */
export function bundle(bench: Bench, name = 'bundle', binds: readonly string[] = []): string {
  const directory = join(bench.dir, name)
  mkdirSync(directory, { recursive: true })
  const id = (value: number) => [{ containerID: value, hostID: value, size: 1 }]
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  const kinds = ['pid', 'ipc', 'uts', 'mount', 'cgroup', ...(isRoot ? [] : ['user'])]
  const config = {
    ociVersion: '1.0.2',
    process: { terminal: false, user: { uid, gid }, args: [COMMAND], cwd: '/', noNewPrivileges: true },
    root: { path: root(bench) },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev'] },
      // They put links and nodes there, which would stay in the root.
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      ...binds.map((source, i) => ({ destination: `/tmp/${i}`, type: 'bind', source, options: ['rbind', 'ro'] })),
    ],
    linux: {
      namespaces: kinds.map((type) => ({ type })),
      ...(!isRoot && { uidMappings: id(uid), gidMappings: id(gid) }),
    },
  }
  writeFileSync(join(directory, 'config.json'), JSON.stringify(config))
  return directory
}

/** Its settings: no network, and the paths that the command may write. */
export function runtimeSettings(bench: Bench): string {
  const file = join(bench.dir, 'sandbox-runtime.json')
  writeFileSync(file, JSON.stringify(RUNTIME_CONFIG))
  return file
}

export const RUNTIME_CONFIG = {
  network: { allowedDomains: [], deniedDomains: [] },
  filesystem: { denyRead: [], allowWrite: ['/tmp'], denyWrite: [] },
}
