/**
 * Runs the attack program (test/c/attack.c) under nsbox and under other launchers, each with its ordinary command
 * line, as root and as an ordinary user, and counts the attempts that succeed. Prints the table of docs/SECURITY.md,
 * and the names of open attempts.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const top = resolve(import.meta.dir, '..')
const isRoot = process.getuid?.() === 0
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'nsbox-peers-')))
chmodSync(dir, 0o755)
const attack = join(dir, 'attack')
/** Firejail fails for a user without a name. */
const [uid, gid] = (
  /^\w+:[^:]*:([1-5]\d{3}):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8')) ?? ['', '65534', '65534']
).slice(1)
const USER = [
  'setpriv',
  '--reuid',
  String(uid),
  '--regid',
  String(gid),
  '--clear-groups',
  'env',
  `HOME=${dir}/home`,
  `TMPDIR=${dir}/home`,
]

type Caller = 'root' | 'user'
type Launcher = {
  name: string
  program: string
  version: string[]
  command: (caller: Caller) => string[]
  prepare?: (caller: Caller) => void
}

const nsbox = join(dir, 'nsbox')
/** The command line that an ordinary user of each would type to run a program on this machine's files. */
const LAUNCHERS: readonly Launcher[] = [
  { name: 'nsbox', program: nsbox, version: ['--version'], command: () => [nsbox, attack] },
  {
    name: 'nsbox, own root',
    program: nsbox,
    version: ['--version'],
    command: () => [nsbox, '--root', join(dir, 'root'), '/attack'],
  },
  {
    name: 'bubblewrap',
    program: 'bwrap',
    version: ['--version'],
    command: () => [
      'bwrap',
      '--bind',
      '/',
      '/',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
      attack,
    ],
  },
  {
    name: 'bubblewrap, --unshare-user',
    program: 'bwrap',
    version: ['--version'],
    command: () => [
      'bwrap',
      '--bind',
      '/',
      '/',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
      '--unshare-user',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
      attack,
    ],
  },
  {
    name: 'firejail',
    program: 'firejail',
    version: ['--version'],
    command: () => ['firejail', '--quiet', '--noprofile', attack],
  },
  {
    name: 'firejail, --seccomp',
    program: 'firejail',
    version: ['--version'],
    command: () => ['firejail', '--quiet', '--noprofile', '--seccomp', '--caps.drop=all', '--nonewprivs', attack],
  },
  ociRuntime('runc'),
  ociRuntime('crun', '--cgroup-manager', 'disabled'),
]

/** A runtime with the command line of runc. */
function ociRuntime(program: string, ...options: string[]): Launcher {
  return {
    name: program,
    program,
    version: ['--version'],
    prepare: (caller) => bundle(program, caller),
    command(caller) {
      const [state, box] = [join(dir, `state-${caller}`), join(dir, `bundle-${caller}`)]
      return [program, ...options, '--root', state, 'run', '--bundle', box, `peers-${process.pid}`]
    },
  }
}

function ownRoot(path: string): void {
  for (const name of ['bin', 'proc', 'dev', 'tmp', 'sys', 'etc']) mkdirSync(join(path, name), { recursive: true })
  copyFileSync(attack, join(path, 'attack'))
  chmodSync(join(path, 'tmp'), 0o1777)
  copyFileSync(
    spawnSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).stdout.trim(),
    join(path, 'bin/busybox'),
  )
  symlinkSync('busybox', join(path, 'bin/sh'))
}

/** The output of the runtime's `spec`, with only the command changed. Neither runtime puts a seccomp filter in it. */
function bundle(runtime: string, caller: Caller): void {
  const path = join(dir, `bundle-${caller}`)
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path)
  chmodSync(path, 0o777)
  ownRoot(join(path, 'rootfs'))
  run(caller, [runtime, 'spec', ...(caller === 'user' ? ['--rootless'] : [])], path)
  const file = join(path, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  config.process.args = ['/attack']
  config.process.terminal = false
  writeFileSync(file, JSON.stringify(config))
  mkdirSync(join(dir, `state-${caller}`), { recursive: true, mode: 0o777 })
  chmodSync(join(dir, `state-${caller}`), 0o777)
}

function run(
  caller: Caller,
  command: readonly string[],
  cwd = '/',
): { status: number | null; stdout: string; stderr: string } {
  const [program = '', ...args] = isRoot && caller === 'user' ? [...USER, ...command] : command
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: 60000 })
  return { status, stdout: stdout ?? '', stderr: error?.message ?? stderr ?? '' }
}

const isThere = (program: string) =>
  program.includes('/') || spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0

function tryOut({ name, command, prepare }: Launcher, caller: Caller): void {
  prepare?.(caller)
  const line = command(caller)
  const { stdout, stderr } = run(caller, line)
  const verdicts = stdout
    .trim()
    .split(/\r?\n/)
    .map((text) => text.split(' '))
    .filter(([, verdict]) => ['open', 'closed', 'n/a'].includes(verdict ?? ''))
  const shown = line
    .map((word) => word.replaceAll(dir, 'DIR').replace(/peers-\d+/, 'NAME'))
    .join(' ')
    .replace('DIR/nsbox', 'nsbox')
    .replace(/DIR\/attack/, 'attack')
  if (verdicts.length === 0) {
    console.log(
      `| ${name} | ${caller} | does not start here: ${stderr.trim().split('\n').at(-1)?.replaceAll(dir, 'DIR') ?? ''} | | \`${shown}\` |`,
    )
    return
  }
  const of = (word: string) => verdicts.filter(([, verdict]) => verdict === word).map(([attempt = '']) => attempt)
  const made = verdicts.length - of('n/a').length
  console.log(
    `| ${name} | ${caller} | ${of('open').length} of ${made} | ${of('open').join(' ') || '-'} | \`${shown}\` |`,
  )
}

try {
  mkdirSync(join(dir, 'home'))
  chmodSync(join(dir, 'home'), 0o777)
  copyFileSync(join(top, 'dist/test/attack'), attack)
  copyFileSync(join(top, 'dist/nsbox'), nsbox)
  ownRoot(join(dir, 'root'))
  console.log(
    `kernel ${spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim()}, ${new Date().toISOString().slice(0, 10)}`,
  )
  for (const { program, version } of LAUNCHERS.filter(
    ({ program: one }, i, all) => isThere(one) && all.findIndex((other) => other.program === one) === i,
  ))
    console.log(run('root', [program, ...version]).stdout.split('\n')[0])
  console.log('\n| | as | open | which | command |\n| --- | --- | --- | --- | --- |')
  for (const launcher of LAUNCHERS)
    for (const caller of isRoot ? (['root', 'user'] as const) : (['user'] as const))
      if (isThere(launcher.program)) tryOut(launcher, caller)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
