/** The built product, and roots and directories to use it on. */
import { spawnSync, type SpawnSyncOptions } from 'node:child_process'
import {
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import * as assert from 'uvu/assert'

const top = resolve(import.meta.dir, '../..')
export const NSBOX = process.env.NSBOX ?? join(top, 'dist/nsbox')
export const SIDECAR = process.env.NSBOX_SIDECAR ?? join(top, 'dist/nsbox-sidecar')
export const BIN = process.env.NSBOX_TEST_BIN ?? join(top, 'dist/test')
export const asRoot = process.getuid?.() === 0
/** Whether the tested build has the sanitizers (`make sanitize`): it is slower, larger, and dynamically linked. */
export const SANITIZED = process.env.NSBOX_TEST_BUILD?.includes('sanitize') ?? false
/** Whether the tested build has no native code in the front end (`make NATIVE=0`). */
export const PLAIN = process.env.NSBOX_TEST_BUILD?.includes('plain') ?? false

/** Whether each box is started twice, and the second one, which counts, by a remembered plan (`make test-warm`). */
export const WARM = process.env.NSBOX_TEST_BUILD?.includes('warm') ?? false

export type Ran = { status: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

/** Checks that nsbox itself failed, with this message. */
export function failure({ status, stderr }: Ran, message: RegExp): void {
  assert.is(status, 125, stderr)
  assert.match(stderr, message)
}

/** A box whose /tmp is its own refuses to start for a caller in a checkout below /tmp. */
export const OUTSIDE_OF_TMP: { cwd?: string } = process.cwd().startsWith('/tmp/') ? { cwd: '/' } : {}

export function execute(program: string, args: readonly string[], options: SpawnSyncOptions = {}): Ran {
  const { error, status, signal, stdout, stderr } = spawnSync(program, [...args], {
    timeout: 60000,
    ...OUTSIDE_OF_TMP,
    ...options,
  })
  if (error !== undefined) throw error
  return { status, signal, stdout: String(stdout), stderr: String(stderr) }
}

export function nsbox(args: readonly string[], options?: SpawnSyncOptions): Ran {
  return execute(NSBOX, args, options)
}

/** Whether this kernel has Landlock's scopes (Linux 6.12), which close abstract sockets and processes outside. */
export const hasScopes = Number(execute(join(BIN, 'landlock'), []).stdout) >= 6

/** The plan that `nsbox plan` prints for these arguments. */
export function planOf(args: readonly string[]): Record<string, unknown> & { process: Record<string, unknown> } {
  const { status, stdout, stderr } = nsbox(['plan', ...args])
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** Runs a plan by the sidecar alone, which reads it from its standard input. */
export function sidecar(plan: unknown, flags: readonly string[] = [], options: SpawnSyncOptions = {}): Ran {
  return execute(SIDECAR, ['--plan-fd', '0', ...flags], {
    input: typeof plan === 'string' ? plan : JSON.stringify(plan),
    ...options,
  })
}

/** The same box by both mount interfaces: by the command line, and by the sidecar with the old one forced. */
export const INTERFACES: readonly { name: string; box: (args: readonly string[]) => Ran }[] = [
  { name: 'mount API', box: (args) => nsbox(args) },
  {
    name: 'mount(2)',
    box: (args) => {
      const { status, stdout, stderr } = nsbox(['plan', ...args])
      return status === 0 ? sidecar(stdout, ['--old-mount-api']) : { status, signal: null, stdout, stderr }
    },
  },
]

/** A directory for files of a moment on the root's own file system, which is what an overlay of the root can change. */
export const TEMP_OF_ROOT =
  [tmpdir(), '/var/tmp'].find((path) => lstatSync(path).dev === lstatSync('/').dev) ?? tmpdir()

/** Runs the body with a directory, and removes that afterwards. Files on other file systems below it aren't touched. */
export function inTemp(body: (dir: string) => void | Promise<void>, top: string = tmpdir()): () => Promise<void> {
  return async () => {
    const dir = realpathSync(mkdtempSync(join(top, 'nsbox-')))
    try {
      await body(dir)
    } finally {
      const { status, stderr } = spawnSync('rm', ['-rf', '--one-file-system', dir], { encoding: 'utf8' })
      // A box with other ids may have left files there.
      if (status !== 0 && !asRoot) spawnSync(NSBOX, ['--map-auto', 'rm', '-rf', dir])
      else if (status !== 0) throw new Error(stderr)
    }
  }
}

const APPLETS = [
  'sh',
  'ls',
  'cat',
  'id',
  'ps',
  'touch',
  'mkdir',
  'rm',
  'ln',
  'mount',
  'umount',
  'readlink',
  'stat',
  'echo',
  'sleep',
  'kill',
  'hostname',
  'env',
  'true',
  'false',
  'find',
  'grep',
  'chmod',
  'pwd',
  'printf',
  'test',
  'tty',
  'stty',
  'yes',
  'head',
  'dd',
  'mv',
  'ip',
  'mktemp',
  'wc',
  'sort',
  'ulimit',
  'sed',
]

/** A root with only busybox and the named directories. */
export function busyboxRoot(dir: string, directories: readonly string[] = ['proc', 'dev', 'tmp']): string {
  mkdirSync(join(dir, 'bin'), { recursive: true })
  copyFileSync('/bin/busybox', join(dir, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(dir, 'bin', applet))
  for (const name of directories) mkdirSync(join(dir, name), { recursive: true })
  return dir
}

/** Options and command of a box in a busybox root that says what it sees: host name, A, its own name, the rest by SCRIPT. */
export function speakingBox(root: string, script: string): string[] {
  const options = ['--root', busyboxRoot(root), '--tmpfs', '/tmp', '--hostname', 'boxed', '--env', 'A=1']
  return [...options, 'sh', '-c', `hostname; echo $A $0; ${script}`, 'zero']
}

/** Lists everything below a directory, a line each: kind, mode, size and content or link target. For comparisons. */
export function treeOf(dir: string): string[] {
  return (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(dir, name)
    const stat = lstatSync(path)
    const mode = stat.mode.toString(8)
    if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
    if (!stat.isFile()) return `${name} ${mode}`
    return `${name} ${mode} ${stat.size} ${Bun.hash(readFileSync(path))}`
  })
}

export type MountLine = { path: string; options: string[]; optional: string[]; type: string; source: string }

/** A text in the form of /proc/self/mountinfo. */
export function parseMounts(text: string): MountLine[] {
  const plain = (word: string) =>
    word.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const words = line.split(' ')
      const dash = words.indexOf('-')
      return {
        path: plain(words[4] ?? ''),
        options: (words[5] ?? '').split(','),
        optional: words.slice(6, dash),
        type: words[dash + 1] ?? '',
        source: plain(words[dash + 2] ?? ''),
      }
    })
}
