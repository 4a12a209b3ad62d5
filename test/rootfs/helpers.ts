/** Roots that are built, and programs made on the spot. */

import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  lstatSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { parse } from '../helpers/command.ts'
import { rootfsCommand } from '../../src/rootfs/build.ts'

export { inTemp } from '../helpers/nsbox.ts'

export function build(...args: string[]): string[] {
  const lines: string[] = []
  const command = parse(['rootfs', 'build', ...args])
  if (command.verb === 'rootfs') rootfsCommand(command.args, command.how, (line) => lines.push(line))
  return lines
}

/** A directory that a traced command may use: what lies in /tmp never gets into a root. */
export function inVarTmp(body: (dir: string) => void | Promise<void>): () => Promise<void> {
  return async () => {
    const dir = mkdtempSync('/var/tmp/nsbox-')
    try {
      await body(dir)
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }
}

/** The message of the error, which must come. */
export function refusal(body: () => void): string {
  try {
    body()
  } catch (error) {
    const { name, message } = error as Error
    return `${name}: ${message}`
  }
  throw new Error('no error came')
}

export function script(path: string, text: string): string {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

export function cc(source: string, output: string, ...flags: string[]): string {
  execFileSync('gcc', ['-x', 'c', '-', '-x', 'none', '-o', output, ...flags], {
    input: source,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  return output
}

export const hasCc = spawnSync('gcc', ['--version']).status === 0

/** Everything below a directory, one line each: kind, mode, and content or target. */
export function listing(dir: string): string[] {
  return (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(dir, name)
    const stat = lstatSync(path)
    if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
    if (stat.isDirectory()) return `${name}/ ${stat.mode.toString(8)}`
    return `${name} ${stat.mode.toString(8)} ${stat.mtimeMs} ${Bun.hash(readFileSync(path))}`
  })
}

const PATHS = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }

/** Whether this test may chroot, in a mount namespace of its own. */
export const runsRoots =
  process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'chroot', '/', 'true'], { env: PATHS }).status === 0

const CHROOT = ['/usr/sbin/chroot', '/usr/bin/chroot'].find((path) => existsSync(path)) ?? 'chroot'

/** A box has a /proc and a /dev of its own where its root has the directories. */
const IN_ROOT =
  'if [ -d "$1/proc" ]; then mount -t proc proc "$1/proc"; fi; if [ -d "$1/dev" ]; then mount --bind /dev "$1/dev"; fi; unset PWD OLDPWD; exec "$0" "$@"'

export type Output = { status: number | null; stdout: string; stderr: string }

/** Runs a program in the root, with an empty environment: variables such as SSL_CERT_FILE would hide what it lacks. */
export function inRoot(root: string, ...argv: string[]): Output {
  return empty(['unshare', '-m', 'sh', '-c', IN_ROOT, CHROOT, root, ...argv])
}

/** Runs a program of the host with an empty environment. */
export function onHost(...argv: string[]): Output {
  return empty(argv)
}

function empty([program = '', ...args]: string[]): Output {
  const path = program.includes('/')
    ? program
    : spawnSync('which', [program], { env: PATHS, encoding: 'utf8' }).stdout.trim()
  const { status, stdout, stderr } = spawnSync(path, args, { encoding: 'utf8', env: {}, cwd: '/', timeout: 60000 })
  return { status, stdout, stderr }
}
