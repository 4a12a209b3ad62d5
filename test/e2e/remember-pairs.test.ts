// seconds: 900
/**
 * Random pairs of starts between which one fact changes: a word, a variable, the directory, a file of the host. Where
 * the second start finds a remembered plan, it is the one that the front end makes.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inTemp, SANITIZED } from '../helpers/nsbox.ts'
import { frontEnd, Native, type Start } from '../helpers/remember.ts'

const PAIRS = Number(process.env.NSBOX_TEST_PAIRS ?? 1500)

/** A generator that a seed makes repeatable (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

const PROFILE = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['ptrace'], action: 'SCMP_ACT_ERRNO' }] }

/** Names in the directory of a pair, each with what may be there. */
const NAMES = ['r', 'r/proc', 'r/dev', 'file', 'dir', 'dir/sub', 'link', 'profile.json', 'vars', 'state', 'x y', 'ü']
/** What presets look at: of git, in a work tree and in one that is linked to it, and of a home directory. */
const OF_PROJECT = [
  '.git',
  '.git/HEAD',
  '.git/config',
  '.git/commondir',
  '.git/modules',
  '.git/modules/m',
  '.git/worktrees',
  '.git/worktrees/x',
  '.git/worktrees/x/gitdir',
  '.git/worktrees/y',
  'dir/.git',
  '.vscode',
  '.ssh',
  '.envrc',
]
/** Profiles of options; the first may extend the second. */
const PROFILES = ['a.json', 'dir/b.toml']
const KINDS = ['none', 'directory', 'file', 'link', 'dangling', 'closed', 'profile', 'vars'] as const
type Kind = (typeof KINDS)[number] | 'repository' | 'git' | 'options'

function put(path: string, kind: Kind, host: string, of: (below: number) => number): void {
  const pick = <T>(list: readonly T[]): T => list[of(list.length)] as T
  try {
    rmSync(path, { recursive: true, force: true })
    if (kind === 'repository') {
      for (const name of ['objects', 'refs', 'worktrees/x']) mkdirSync(join(path, name), { recursive: true })
      writeFileSync(join(path, 'HEAD'), '')
      writeFileSync(join(path, 'worktrees/x/gitdir'), join(host, 'dir/.git'))
    }
    if (kind === 'git')
      writeFileSync(
        path,
        pick([
          `gitdir: ${host}/.git/worktrees/${pick(['x', 'y'])}\n`,
          `${host}/dir/.git\n`,
          `[core]\nhooksPath = ${pick(['hooks', 'dir/hooks'])}\nworktree = ../dir\n`,
          `[include]\npath = ${pick(['more', '../vars'])}\n`,
        ]),
      )
    if (kind === 'options' && path.endsWith('.toml'))
      writeFileSync(path, pick(['hide = ["vars"]\n', 'ro = true\n', 'keep = ["link"]\n', 'wrong = 1\n']))
    if (kind === 'options' && path.endsWith('.json'))
      writeFileSync(
        path,
        JSON.stringify({
          ...(of(2) === 0 && { extends: pick(['dir/b.toml', 'workspace']) }),
          hostname: pick(['a', 'b']),
        }),
      )
    if (kind === 'directory') mkdirSync(path)
    if (kind === 'closed') mkdirSync(path, 0o000)
    if (kind === 'file') writeFileSync(path, 'text')
    if (kind === 'link') symlinkSync('dir', path)
    if (kind === 'dangling') symlinkSync('nowhere', path)
    if (kind === 'profile') writeFileSync(path, JSON.stringify(PROFILE))
    if (kind === 'vars') writeFileSync(path, '# nothing\n')
  } catch {
    // The directory above is closed, or a file.
  }
}

/** Option words. `path` makes one of the pair's names, absolute or relative. */
const OPTIONS: readonly ((path: () => string, of: (below: number) => number) => string[])[] = [
  () => ['--ro'],
  (path) => ['--root', path()],
  (path) => [`--root=${path()}`],
  (path) => ['--bind', path()],
  (path, of) => ['--ro-bind', `${path()}:/mnt${of(3)}`],
  (path) => ['--dev-bind', `${path()}:/data`],
  (path, of) => ['--tmpfs', ['/tmp', '/var', '/x', path()][of(4)] as string],
  () => ['--proc'],
  () => ['--dev'],
  () => ['--proc=/p'],
  (path) => ['--mask', `/${path()}`.replace('//', '/')],
  (path) => ['--file', `${path()}:/etc/f`],
  () => ['--symlink', 'a:/b'],
  (_, of) => ['--net', ['host', 'none'][of(2)] as string],
  (_, of) => ['--share', ['pid', 'ipc', 'uts', 'cgroup', 'abstract'][of(5)] as string],
  () => ['--hostname', '007'],
  (_, of) => ['--user', ['5', '5:6', 'root', 'nobody'][of(4)] as string],
  () => ['--map-root'],
  () => ['--map-auto'],
  () => ['--userns'],
  () => ['--cap-add', 'net_admin'],
  () => ['--cap-drop', 'all'],
  () => ['--allow-userns'],
  (path) => ['--seccomp', path()],
  () => ['--seccomp', 'profile.json'],
  (path) => ['--bind-try', path()],
  (path) => ['-b', `~/${path()}`],
  () => ['--unset-env', 'HOME'],
  () => ['--keep-fd', '1'],
  () => ['--ulimit', 'core=0'],
  () => ['--timeout', '5s'],
  () => ['--memory', '64m'],
  (path) => ['--cwd', path()],
  () => ['--env', 'A'],
  () => ['--env', 'SECRET=value'],
  (path) => ['--env-file', path()],
  () => ['--clear-env'],
  () => ['--argv0', 'name'],
  () => ['--overlay'],
  (path) => [`--overlay=${path()}`],
  () => ['--no-follow'],
  () => ['--quiet'],
  () => ['--verbose'],
  () => ['--status-fd', '3'],
  () => ['--host-files'],
  () => ['--fake-root'],
  () => ['--no-remember'],
  () => ['--no-init'],
]

/** Rules, networks by names, and profiles. */
const RULES: typeof OPTIONS = [
  (path) => ['--write', path()],
  (path) => ['--keep', path()],
  (path) => ['--hide', path()],
  (_, of) => ['--hide', ['**/.env', 'dir/*', '!dir/sub', '[fg]ile'][of(4)] as string],
  (_, of) => ['--mask', ['/etc/*.conf', '/home/**'][of(2)] as string],
  (path) => ['--allow-socket', path()],
  () => ['--allow-host', 'a.example'],
  () => ['-p', '8080:80'],
  () => ['--seccomp', 'none'],
  (_, of) => ['--profile', ['workspace', 'workspace', 'read-only', 'offline-build', 'closed'][of(5)] as string],
  (_, of) => ['--profile', `./${PROFILES[of(2)]}`],
]
const COMMANDS = [
  ['true'],
  ['true', ''],
  ['sh', '-c', 'a\nb\t"c\\d"'],
  ['ü', '\u2028', '😀'],
  ['/proc'],
  ['plan', 'x'],
  ['run'],
  ['-x'],
  [],
  [''],
  ['a\u0001b'],
  ['--', 'true'],
]

test(
  `the second of ${PAIRS} random pairs of starts finds no plan but its own`,
  inTemp(async (dir) => {
    const seed = Number(process.env.NSBOX_TEST_SEED ?? Date.now() % 2 ** 31)
    const of = randomFrom(seed)
    const pick = <T>(list: readonly T[]): T => list[of(list.length)] as T
    const native = new Native()
    const cache = join(dir, 'cache')
    const host = join(dir, 'host')
    const path = (): string => (of(2) === 0 ? join(host, pick(NAMES)) : pick(NAMES))
    const option = (): string[] => pick(of(3) === 0 ? RULES : OPTIONS)(path, of)
    const options = (): string[] => Array.from({ length: of(5) }, option).flat()
    const variables = (): Record<string, string> => {
      const some: Record<string, string> = { NSBOX_CACHE: cache }
      for (const name of ['HOME', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'])
        if (of(3) > 0) some[name] = pick(['/home/me', host, '', 'relative', `${dir}/other`])
      return some
    }
    const lineOf = (words: readonly string[], command: readonly string[]): string[] => [
      ...(of(6) === 0 ? ['run'] : []),
      ...words,
      ...(of(3) === 0 ? ['--'] : []),
      ...command,
    ]
    let found = 0
    let differed = 0
    try {
      for (let pair = 0; pair < PAIRS; pair++) {
        const what = `seed ${seed}, pair ${pair}`
        if (pair % 50 === 0) {
          for (const directory of [cache, host]) {
            if (existsSync(directory)) spawnSync('chmod', ['-R', 'u+rwx', directory])
            rmSync(directory, { recursive: true, force: true })
          }
          mkdirSync(join(host, 'dir/sub'), { recursive: true })
        }
        const words = options()
        // Mostly a file that the options name.
        const change = (): void => {
          const named = [...NAMES, ...PROFILES].filter((name) => words.some((word) => word.includes(name)))
          const others = words.includes('--profile') ? [...PROFILES, ...OF_PROJECT] : [...NAMES, ...OF_PROJECT]
          const name = pick(named.length > 0 && of(3) > 0 ? named : others)
          const likely: Kind[] = PROFILES.includes(name)
            ? ['options']
            : OF_PROJECT.includes(name)
              ? ['git', 'repository']
              : []
          put(join(host, name), pick(likely.length > 0 && of(2) === 0 ? likely : KINDS), host, of)
        }
        for (let n = 0; n < 3; n++) change()
        const first: Start = {
          words: lineOf(words, pick(COMMANDS)),
          cwd: existsSync(join(host, 'dir')) && of(4) === 0 ? join(host, 'dir') : host,
          variables: variables(),
        }
        const made = existsSync(first.cwd) ? frontEnd(first) : undefined
        if (made !== undefined && made.record.length > 0) await native.remember(first, made.record)
        let second = first
        const fact = of(9)
        if (fact === 0) second = { ...first, words: lineOf(words, pick(COMMANDS)) }
        if (fact === 1) second = { ...first, words: lineOf([...words, ...option()], pick(COMMANDS)) }
        if (fact === 2) second = { ...first, words: lineOf(words.slice(0, of(words.length + 1)), pick(COMMANDS)) }
        if (fact === 3) second = { ...first, variables: variables() }
        if (fact === 4) second = { ...first, cwd: dir }
        if (fact === 5) second = { ...first, program: 'another build' }
        if (fact > 5) change()
        const remembered = existsSync(second.cwd) ? await native.find(second) : undefined
        const ordinary = remembered === undefined ? undefined : frontEnd(second)
        if (remembered !== undefined) {
          found++
          assert.is(remembered, ordinary?.plan, `${what}: ${JSON.stringify({ first, second })}`)
          assert.is(second.program, undefined, what)
        } else if (made !== undefined && made.record.length > 0) differed++
      }
    } finally {
      native.end()
    }
    // Both happen often, or the pairs would show nothing.
    assert.ok(SANITIZED || (found > PAIRS / 20 && differed > PAIRS / 20), `found ${found}, not found ${differed}`)
    if (process.env.NSBOX_TEST_PAIRS !== undefined) console.log(`seed ${seed}: ${found} found, ${differed} not`)
  }),
)

test.run()
