/** What is on this machine, of the kinds of things that a test, or a box in one, could leave behind. */
import { readdirSync, readFileSync } from 'node:fs'

/**
 * Directories of the machine in which a box that gets a path wrong makes it, and in which hardly anybody else makes anything. Their
 * names are compared; what lies deeper belongs to others.
 */
const WATCHED = ['/', '/dev', '/mnt', '/opt', '/srv']

/** Mounts, names in the watched directories, and processes that are our product's doing in this `run` of the tests. */
export function traces(run: number, watched: readonly string[] = WATCHED): Set<string> {
  return new Set([...mounts(), ...watched.flatMap(names), ...processes(run)])
}

function mounts(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n').map((line) => `mount ${line.split(' ').slice(3, 5).join(' ')}`)
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
      // A zombie has ended; its parent, by now the machine's init, has only yet to ask how.
      if (OURS.test(name) && state !== 'Z' && !isOfAnother(pid, run)) found.push(`process ${pid} ${name}`)
    } catch {
      // It has ended meanwhile.
    }
  }
  return found
}

/** Tests of another checkout may run on the same machine, and people may use nsbox: then whatever has started it is still there. */
function isOfAnother(pid: string, own: number): boolean {
  const run = /(?:^|\0)NSBOX_TEST_RUN=(\d+)/.exec(readFileSync(`/proc/${pid}/environ`, 'latin1'))?.[1]
  return run === undefined ? isWatched(pid) : run !== String(own)
}

/** An ancestor that is neither of a box nor the machine's init. */
function isWatched(pid: string): boolean {
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  if (Number(parent) <= 1) return false
  return OURS.test(readFileSync(`/proc/${parent}/comm`, 'utf8')) ? isWatched(parent) : true
}
