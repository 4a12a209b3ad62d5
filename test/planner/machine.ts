/** A made-up machine, and plans for boxes on it. */
import type { HostFacts, Looked } from '../../src/host/types.ts'
import { buildPlan } from '../../src/planner/build.ts'
import type { Options } from '../../src/options/types.ts'

const DIRECTORIES = ['/', '/proc', '/dev', '/home/me', '/home/me/r', '/home/me/r/proc', '/bare', '/state', '/src']
export const FILES: Record<string, string> = {
  '/src/file': '',
  '/vars': '# c\nA=1\n\nB=x=y\n',
  '/bad-vars': 'A=1\nnonsense\n',
  '/etc/passwd': 'root:x:0:0::/root:/bin/sh\nme:x:1000:1000::/home/me:/bin/sh\n',
  '/etc/subuid': 'me:100000:65536\n',
  '/etc/subgid': '1000:200000:65536\n',
  '/proc/self/uid_map': '0 0 4294967295\n',
  '/proc/self/gid_map': '0 0 4294967295\n',
}

export function host(facts: Partial<HostFacts> = {}): HostFacts {
  const look = (path: string): Looked =>
    DIRECTORIES.includes(path) ? 'directory' : path in FILES ? 'other' : { code: 'ENOENT' }
  return {
    uid: 1000,
    gid: 1000,
    variable: (name) => (name === 'HOME' ? '/home/me' : undefined),
    cwd: '/home/me',
    env: { HOME: '/home/me', SECRET: 's' },
    look,
    read: (path) => (path in FILES ? { text: FILES[path] ?? '' } : { code: 'ENOENT' }),
    opensFiles: () => {},
    hasRead: () => {},
    hasTerminal: () => false,
    isLink: () => false,
    kind: () => undefined,
    linkText: () => undefined,
    directoriesIn: () => [],
    realPath: (path) => path,
    runsI386: () => false,
    machine: 'x64',
    isKernel: () => true,
    changed: () => ({ signals: ['PIPE', 'XFSZ'] }),
    ...facts,
  }
}

export const ROOT = { uid: 0, gid: 0 }
export const plan = (options: Options, facts?: Partial<HostFacts>) => buildPlan(options, ['cmd', 'arg'], host(facts))
/** The mounts without the masks of /proc and /sys, and without the stash for pins. */
export const mountsOf = (options: Options) =>
  (plan(options).mounts ?? []).filter((mount) => !('kernel' in mount) && mount.type !== 'stash')
export const targets = (options: Options) => mountsOf(options).map(({ type, target }) => `${type} ${target}`)
