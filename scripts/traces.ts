/** Lists the things on this machine of the kinds that a test, or a box in one, could leave behind. */
import { readdirSync, readFileSync } from 'node:fs'

/**
 * Directories of the machine in which a box with a wrong path would make files, and in which other programs hardly do.
 * Only the names in them are compared, since deeper directories belong to others.
 */
const WATCHED = ['/', '/dev', '/mnt', '/opt', '/srv']

/** Mounts, names in the watched directories, and processes that nsbox has started in this `run` of the tests. */
export function traces(run: number, watched: readonly string[] = WATCHED): Set<string> {
  return new Set([...mounts(), ...watched.flatMap(names), ...processes(run)])
}

function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => `mount ${line.split(' ').slice(3, 5).join(' ')}`)
}

function names(dir: string): string[] {
  try {
    return readdirSync(dir).map((name) => `file ${dir === '/' ? '' : dir}/${name}`)
  } catch {
    return []
  }
}

const OURS = /^(nsbox|box-init)/

function processes(run: number): string[] {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
      const state = /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
      // A zombie has ended, and the machine's init only has to reap it.
      if (OURS.test(name) && state !== 'Z' && !isOfAnother(pid, run)) found.push(`process ${pid} ${name}`)
    } catch {
      // The process has ended meanwhile.
    }
  }
  return found
}

/**
 * Tests of another checkout may run on the same machine, and people may use nsbox. The process that started such a box
 * is alive.
 */
function isOfAnother(pid: string, own: number): boolean {
  const run = /(?:^|\0)NSBOX_TEST_RUN=(\d+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1]
  return run === undefined ? isWatched(pid) : run !== String(own)
}

/** Finds an ancestor that is neither part of a box nor the machine's init. */
function isWatched(pid: string): boolean {
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  if (Number(parent) <= 1) return false
  return OURS.test(readFileSync(`/proc/${parent}/comm`, 'utf8')) ? isWatched(parent) : true
}
