/** A Debian that has the programs, as the machine on which roots are built. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import type { Result } from './case.ts'
import { CASES } from './cases.ts'

const TOP = resolve(import.meta.dir, '../..')

/** `make programs-root` and `make all-programs-root` make them. */
export type Guest = 'programs-root' | 'all-programs-root'

/** Why there is no such Debian; undefined where there is. */
export function absence(guest: Guest): string | undefined {
  const reason = join(TOP, 'dist', `${guest}.skipped`)
  if (process.getuid?.() !== 0) return 'needs root'
  if (existsSync(join(TOP, 'dist', guest))) return undefined
  return existsSync(reason) ? readFileSync(reason, 'utf8').trim() : `make ${guest} makes dist/${guest}, as root`
}

/**
 * The Debian becomes the root of a mount namespace, read-only, with a network namespace and a /tmp of its own, so that
 * `rootfs build` sees a whole machine, and nothing of it stays. /work and /roots are for the test to write in.
 */
const ENTER = `
root=$1 scratch=$2 top=$3; shift 3
ip link set lo up
mount --bind "$root" "$root"
mount --rbind "$top" "$root/checkout"
mount --bind "$scratch/work" "$root/work"
mount --bind "$scratch/roots" "$root/roots"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -o remount,bind,ro "$root"
cd "$root"
pivot_root . .
umount -l .
exec "$@"
`

/** Runs a command in the Debian, and returns its standard output. `prepare` gets the directory that is /work there. */
export function inGuest(guest: Guest, command: readonly string[], prepare?: (work: string) => void): string {
  const scratch = mkdtempSync(join(realpathSync(tmpdir()), 'nsbox-programs-'))
  try {
    for (const name of ['work', 'roots']) mkdirSync(join(scratch, name))
    prepare?.(join(scratch, 'work'))
    const root = join(TOP, 'dist', guest)
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--mount', '--net', '--propagation', 'private', '--', 'sh', '-euc', ENTER, 'sh', root, scratch, TOP, ...command],
      {
        encoding: 'utf8',
        env: { PATH: '/checkout/dist:/usr/sbin:/usr/bin:/sbin:/bin', SHOW: process.env.SHOW ?? '' },
        maxBuffer: 1 << 26,
        stdio: ['ignore', 'pipe', process.env.SHOW === '1' ? 'inherit' : 'pipe'],
      },
    )
    if (status !== 0) throw new Error(`${command.join(' ')}: ended with ${status}: ${stderr}`)
    return stdout
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** What the cases of these numbers show. */
export function runCases(guest: Guest, numbers: readonly number[]): Result[] {
  const bun = join('/checkout', relative(TOP, realpathSync(process.execPath)))
  const output = inGuest(guest, [bun, '/checkout/test/programs/driver.ts', ...numbers.map(String)])
  const results = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Result)
  if (results.length !== numbers.length) throw new Error(`${results.length} results for ${numbers.length} cases`)
  return results
}

/** The numbers of the cases that every run of the tests tries, or of all. */
export function numbersOf(guest: Guest): number[] {
  return CASES.flatMap(({ everyday }, number) => (guest === 'all-programs-root' || everyday ? [number] : []))
}
