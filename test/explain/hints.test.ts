/** Which rule a failing command ran into, by what it said, and nothing where the rule isn't the cause. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { explain } from '../../src/explain/explain.ts'
import { hintsOf } from '../../src/explain/hints.ts'
import { limitsOf } from '../../src/explain/limits.ts'
import { hostOfProgram } from '../../src/host/node.ts'
import { box, type BoxOptions } from '../../src/index.ts'
import type { BoxPlan } from '../../src/plan/types.ts'
import { compile } from '../../src/seccomp/bpf.ts'
import { defaultFilter } from '../../src/seccomp/default.ts'
import { inTemp } from '../helpers/nsbox.ts'

/** A project P with hooks that are read-only and a hidden file, in a read-only box without a network. */
function project(dir: string): BoxOptions {
  mkdirSync(join(dir, '.git/hooks'), { recursive: true })
  mkdirSync(join(dir, 'gone'), { recursive: true })
  writeFileSync(join(dir, 'gone/file'), '')
  for (const name of ['.env', 'file', '.git/config']) writeFileSync(join(dir, name), 'x')
  return {
    ro: true,
    net: 'none',
    mounts: [
      { type: 'bind', source: dir },
      { type: 'bind', source: join(dir, '.git/hooks'), readonly: true },
      { type: 'mask', target: join(dir, '.env') },
      { type: 'tmpfs', target: join(dir, 'gone') },
    ],
    cwd: dir,
    memory: '64m',
    pids: 50,
    timeout: '20s',
  }
}

/** A line of standard error, and what is hinted: code, subject and rule; P stands for the project. */
const TABLE: [line: string, code?: string, subject?: string, rule?: string][] = [
  ["touch: cannot touch 'P/.git/hooks/x': Read-only file system", 'EROFS', 'P/.git/hooks/x', '--ro-bind P/.git/hooks'],
  ['sh: 1: cannot create .git/hooks/x: Read-only file system', 'EROFS', 'P/.git/hooks/x', '--ro-bind P/.git/hooks'],
  ['bash: line 1: /etc/zz: Read-only file system', 'EROFS', '/etc/zz', 'the root is read-only'],
  [
    "Error: EROFS: read-only file system, open 'P/.git/hooks/pre-commit'",
    'EROFS',
    'P/.git/hooks/pre-commit',
    '--ro-bind P/.git/hooks',
  ],
  ["OSError: [Errno 30] Read-only file system: '/usr/x'", 'EROFS', '/usr/x', 'the root is read-only'],
  ['open /usr/x: read-only file system', 'EROFS', '/usr/x', 'the root is read-only'],
  ['cat: .env: Permission denied', 'EACCES', 'P/.env', '--mask P/.env'],
  ["PermissionError: [Errno 13] Permission denied: 'P/.env'", 'EACCES', 'P/.env', '--mask P/.env'],
  ["cat: 'P/gone/file': No such file or directory", 'ENOENT', 'P/gone/file', '--tmpfs P/gone'],
  ["mv: cannot move '.git' to 'g2': Device or resource busy", 'EBUSY', 'P/.git', '--ro-bind P/.git/hooks'],
  ["rm: cannot remove 'P/.env': Device or resource busy", 'EBUSY', 'P/.env', '--mask P/.env'],
  ['curl: (6) Could not resolve host: example.org', 'ENETWORK', 'example.org', '--net none'],
  ['Error: getaddrinfo EAI_AGAIN registry.npmjs.org', 'ENETWORK', 'registry.npmjs.org', '--net none'],
  ['wget: unable to resolve host address ‘example.org’', 'ENETWORK', 'example.org', '--net none'],
  ['dial tcp: lookup proxy.golang.org on 10.0.0.1:53: dial udp', 'ENETWORK', 'proxy.golang.org', '--net none'],
  ['connect ECONNREFUSED 127.0.0.1:5432', 'ENETWORK', '127.0.0.1:5432', '--net none'],
  ['ping: connect: Network is unreachable', 'ENETWORK', 'the network', '--net none'],
  // No rule is the cause of these.
  ["touch: cannot touch 'P/file': Permission denied"],
  ["cat: 'P/none': No such file or directory"],
  ["cat: 'P/file': Read-only file system"],
  ['cat: /etc/shadow: Permission denied'],
  ["rm: cannot remove 'P/file': Device or resource busy"],
  ['make: *** [all] Error 1'],
  ['No such file or directory'],
  ['everything is fine'],
  [''],
]

/** In a box that may connect to a.org:443 and *.b.org:8443: a message, and the option that is missing. */
const HOSTS: [line: string, rule?: string][] = [
  ['curl: (6) Could not resolve host: example.org', '--allow-host example.org'],
  ['Error: getaddrinfo EAI_AGAIN registry.npmjs.org', '--allow-host registry.npmjs.org'],
  ['Error: getaddrinfo ENOTFOUND b.org', '--allow-host b.org'],
  ["fatal: unable to access 'https://x.org/': Could not resolve host: x.org", '--allow-host x.org'],
  ['ssh: Could not resolve hostname x.org: Name or service not known', '--allow-host x.org'],
  ['curl: (7) Failed to connect to a.org port 80 after 0 ms', '--allow-host a.org:80'],
  ['connect ECONNREFUSED 192.0.2.1:5432', '--allow-host 192.0.2.1:5432'],
  ['connect ECONNREFUSED 127.0.0.1:5432', '--allow-host'],
  // These are allowed, so something else is the cause.
  ['curl: (6) Could not resolve host: a.org'],
  ['curl: (7) Failed to connect to x.b.org port 8443 after 0 ms'],
  ['connect ECONNREFUSED 198.18.0.7:443'],
  ['ping: connect: Network is unreachable'],
]

test(
  'a message leads to the rule that explains it, and to none where another cause is left',
  inTemp((dir) => {
    const plan = box(project(dir)).plan(['true']) as BoxPlan
    const { look } = hostOfProgram()
    for (const [line, code, subject, rule] of TABLE) {
      const here = (text: string | undefined) => text?.replaceAll('P/', `${dir}/`)
      const [hint, ...more] = hintsOf(plan, `before\n${here(line)}\nafter\n`, dir, look)
      assert.equal([hint?.code, hint?.subject, hint?.rule], [code, here(subject), here(rule)], line)
      assert.equal(more, [], line)
      if (hint !== undefined) assert.ok(hint.text.includes(hint.rule) && hint.text.includes(hint.subject), hint.text)
    }
    // Each thing once, and no more than anybody reads.
    const many = Array.from({ length: 100 }, (_, n) => `sh: /usr/f${n % 50}: Read-only file system`).join('\n')
    assert.is(hintsOf(plan, many, dir, look).length, 20)
    assert.is(hintsOf(plan, 'sh: /usr/a: Read-only file system\n'.repeat(9), dir, look).length, 1)
    const hostile = hintsOf(plan, "touch: '/usr/\u001b[31mx': Read-only file system", dir, look)
    assert.not.match(JSON.stringify(hostile[0]?.text), /\\u001b/)
    // With the host's network, its faults are its own.
    const open = box({ ...project(dir), net: 'host' }).plan(['true']) as BoxPlan
    assert.equal(hintsOf(open, 'curl: (6) Could not resolve host: example.org', dir, look), [])
    const named = { ...project(dir), net: undefined, allowHosts: ['a.org', '*.b.org:8443'] }
    const hosts = box(named).plan(['true']) as BoxPlan
    for (const [line, rule] of HOSTS) assert.is(hintsOf(hosts, line, dir, look)[0]?.rule, rule, line)
    assert.match(limitsOf(hosts), '; network: only a.org:443 *.b.org:8443; ')
    assert.is(
      limitsOf(plan),
      `The box had: files read-only but for ${dir} ${dir}/gone; read-only in these: ${dir}/.git/hooks; hidden: ${dir}/.env; no network; 64 MiB of memory; 50 processes; 20 s.`,
    )
  }),
)

test(
  'a failing command of a program carries limits and hints, and one that succeeds has none',
  inTemp(async (dir) => {
    const { memory: _, pids: __, ...options } = project(dir)
    const b = box(options)
    const failed = await b.run(['sh', '-c', 'echo x >.git/hooks/pre-commit'])
    assert.is(failed.exitCode, 2)
    assert.match(failed.limits ?? '', /^The box had: files read-only but for /)
    assert.equal(
      failed.hints?.map(({ code, rule }) => [code, rule]),
      [['EROFS', `--ro-bind ${dir}/.git/hooks`]],
    )
    const fine = await b.run(['sh', '-c', 'echo Read-only file system >&2'])
    assert.equal(Object.keys(fine).sort(), ['exitCode', 'signal', 'stderr', 'stdout', 'timedOut', 'usage'])
    const bytes = await b.run(['sh', '-c', 'cat /nowhere; exit 3'], { encoding: 'buffer' })
    assert.equal([bytes.exitCode, bytes.hints], [3, []])
    await using live = await b.open()
    const inside = await live.run(['sh', '-c', 'echo x >.git/hooks/pre-commit'])
    assert.equal(inside.hints?.length, 1)
    assert.match(inside.limits ?? '', /no network/)
  }),
)

test('a command that the filter has ended: the filter, and what it does to old programs', async () => {
  const { exitCode, hints } = await box({ cwd: '/' }).run(['sh', '-c', 'kill -SYS $$'])
  assert.is(exitCode, 159)
  assert.equal(
    hints?.map(({ code, subject, rule }) => [code, subject, rule]),
    [['SIGSYS', 'sh', '--seccomp default']],
  )
  assert.match(hints?.[0]?.text ?? '', /^sh was ended by the filter of system calls \(SIGSYS\): --seccomp default/)
  // A shell hands on the status of its program.
  const shell = await box({ cwd: '/' }).run(['sh', '-c', 'sh -c "kill -SYS \\$\\$"; exit $?'])
  assert.equal([shell.exitCode, shell.hints?.[0]?.code], [159, 'SIGSYS'])
  const none = await box({ cwd: '/', seccomp: 'none' }).run(['sh', '-c', 'kill -SYS $$'])
  assert.equal(none.hints, [])
})

test('a filter of one machine alone ends the programs of 32 bits, and says so', () => {
  const filterOf = (i386: boolean): NonNullable<BoxPlan['process']['seccomp']> => ({
    from: 'default',
    filter: Buffer.from(compile(defaultFilter('x64', [], { i386 }))).toString('base64'),
  })
  const plan = (i386: boolean): BoxPlan => {
    const made = box({ cwd: '/' }).plan(['old']) as BoxPlan
    return { ...made, process: { ...made.process, seccomp: filterOf(i386) } }
  }
  const { look } = hostOfProgram()
  assert.match(hintsOf(plan(false), '', '/', look, true)[0]?.text ?? '', /which ends every 32-bit program; /)
  assert.not.match(hintsOf(plan(true), '', '/', look, true)[0]?.text ?? '', /32-bit/)
  // Its lines are wrapped.
  const told = (i386: boolean): string => explain(plan(i386), hostOfProgram()).replaceAll(/\s+/g, ' ')
  assert.match(told(false), /A 32-bit program is ended at its first call \(SIGSYS, status 159\)\./)
  assert.match(told(true), /Calls of 32-bit programs have numbers of their own, and are judged by those\./)
})

test.run()
