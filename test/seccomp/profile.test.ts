/** Profiles of container engines as filters: which are taken, which are refused, and what they do to a box. */
// seconds: 200
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { compile } from '../../src/seccomp/bpf.ts'
import { ALLOW, errno, type Machine } from '../../src/seccomp/filter.ts'
import { SYSCALLS } from '../../src/seccomp/syscalls.ts'
import { asRoot, busyboxRoot, inTemp, nsbox, planOf, sidecar } from '../helpers/nsbox.ts'

/** Writes a profile to a file, and runs a box with it. */
function withProfile(
  dir: string,
  profile: unknown,
  command: readonly string[],
  flags: readonly string[] = [],
): { status: number | null; stdout: string; stderr: string } {
  const file = join(dir, 'profile.json')
  writeFileSync(file, typeof profile === 'string' ? profile : JSON.stringify(profile))
  return nsbox([...flags, '--seccomp', file, ...command])
}

test(
  'a profile of container engines does what it says',
  inTemp((dir) => {
    const deny = (entry: object) => ({
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{ action: 'SCMP_ACT_ERRNO', ...entry }],
    })
    const fails = (profile: unknown, command: string[], error: RegExp, flags: string[] = []) => {
      const { status, stderr } = withProfile(dir, profile, command, flags)
      assert.is.not(status, 0)
      assert.match(stderr, error)
    }
    fails(deny({ names: ['mkdir', 'mkdirat'] }), ['mkdir', `${dir}/new`], /Operation not permitted/)
    fails(deny({ names: ['mkdir', 'mkdirat'], errnoRet: 28 }), ['mkdir', `${dir}/new`], /No space left/)
    fails(
      deny({ name: 'personality', args: [{ index: 0, value: 8, op: 'SCMP_CMP_EQ' }] }),
      ['setarch', 'linux32', 'true'],
      /not permitted/,
    )
    assert.is(
      withProfile(dir, deny({ name: 'personality', args: [{ index: 0, value: 7, op: 'SCMP_CMP_EQ' }] }), [
        'setarch',
        'linux32',
        'true',
      ]).status,
      0,
    )
    // Several conditions for one argument are alternatives.
    fails(
      deny({
        name: 'personality',
        args: [
          { index: 0, value: 7, op: 'SCMP_CMP_EQ' },
          { index: 0, value: 8, op: 'SCMP_CMP_EQ' },
        ],
      }),
      ['setarch', 'linux32', 'true'],
      /not permitted/,
    )
    fails(deny({ names: ['chroot'], excludes: { caps: ['CAP_SYS_PTRACE'] } }), ['chroot', '/', 'true'], /not permitted/)
    assert.is(
      withProfile(dir, deny({ names: ['mkdir', 'mkdirat'], includes: { arches: ['s390x'] } }), ['mkdir', `${dir}/a`])
        .status,
      0,
    )
    assert.is(
      withProfile(dir, deny({ names: ['mkdir', 'mkdirat'], includes: { minKernel: '99.0' } }), ['mkdir', `${dir}/b`])
        .status,
      0,
    )
    assert.is(
      withProfile(
        dir,
        { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['getppid'], action: 'SCMP_ACT_KILL_PROCESS' }] },
        ['sh', '-c', 'exit 3'],
      ).status,
      159,
    )
  }),
)

const FIXTURES = resolve(import.meta.dir, '../fixtures/seccomp')
const SHIPPED = readdirSync(FIXTURES).filter((name) => name.endsWith('.json'))

test(
  'the profiles that container engines ship are taken as they are',
  inTemp((dir) => {
    assert.ok(SHIPPED.length >= 4, SHIPPED.join())
    const boxes = [[], ['--no-init'], ['--allow-new-privs'], ['--map-root']]
    for (const name of SHIPPED) {
      for (const flags of boxes)
        assert.equal(
          nsbox([...flags, '--seccomp', join(FIXTURES, name), 'true']),
          { status: 0, signal: null, stdout: '', stderr: '' },
          `${name} ${flags}`,
        )
    }
    for (const name of ['moby.json', 'containers-common.json']) {
      const { status, stdout } = nsbox(['--seccomp', join(FIXTURES, name), 'bash', '-c', 'echo a | cat; exit 3'])
      assert.equal([status, stdout], [3, 'a\n'])
    }
    assert.match(nsbox(['--seccomp', join(FIXTURES, 'moby.json'), 'unshare', '-U', 'true']).stderr, /not permitted/)
    // The profiles of Kubernetes' tutorial: log all, refuse all, allow some.
    assert.is(withProfile(dir, { defaultAction: 'SCMP_ACT_LOG' }, ['sh', '-c', 'exit 3']).status, 3)
    assert.is(withProfile(dir, { defaultAction: 'SCMP_ACT_ERRNO' }, ['true']).status, 125)
  }),
)

test(
  "the error of a profile is a number, or a name as in podman's profiles",
  inTemp((dir) => {
    const says = (keys: object, text: RegExp) => {
      const profile = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', ...keys }],
      }
      assert.match(withProfile(dir, profile, ['mkdir', `${dir}/new`]).stderr, text)
    }
    says({ errno: 'ENOSPC' }, /No space left/)
    says({ errno: '28' }, /No space left/)
    says({ errno: 'ENOSPC', errnoRet: 1 }, /No space left/)
    says({ errno: '', errnoRet: 28 }, /No space left/)
    says({ errno: 'ENOTHING' }, /\/syscalls\/0: no error number ENOTHING/)
    says({ errno: 28 }, /\/syscalls\/0: no error number of that type/)
    assert.match(
      withProfile(dir, { defaultAction: 'SCMP_ACT_ERRNO', defaultErrno: 'EWHAT' }, ['true']).stderr,
      /\/defaultErrno: no error number EWHAT/,
    )
  }),
)

/** Calls of our own processes before the command starts, and those that would print an error. */
const OURS = [
  'rt_sigprocmask',
  'rt_sigaction',
  'prctl',
  'capset',
  'capget',
  'setsid',
  'setpgid',
  'chdir',
  'fchdir',
  'getcwd',
  'open',
  'openat',
  'openat2',
  'stat',
  'newfstatat',
  'fstat',
  'faccessat',
  'read',
  'write',
  'poll',
  'ppoll',
  'close',
  'close_range',
  'setresuid',
  'setresgid',
  'setgroups',
  'getuid',
  'geteuid',
  'getppid',
  'sendto',
]

for (const flags of [
  [],
  ['--no-init'],
  ['--new-session'],
  ['--allow-new-privs'],
  ['--no-init', '--allow-new-privs', '--map-root'],
]) {
  const how = flags.join(' ') || 'by default'
  test(
    `execve is the only call of nsbox that a profile meets (${how})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      copyFileSync(resolve(import.meta.dir, '../../dist/bench/empty'), join(root, 'bin/empty'))
      const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: OURS, action: 'SCMP_ACT_ERRNO' }] }
      for (const command of ['empty', '/bin/empty'])
        assert.equal(withProfile(dir, profile, [command], [...flags, '--root', root]), {
          status: 0,
          signal: null,
          stdout: '',
          stderr: '',
        })
      const missing = withProfile(dir, profile, ['nowhere'], [...flags, '--root', root])
      assert.is(missing.status, 127)
      assert.match(missing.stderr, /^nsbox: exec: command not found in the box: nowhere: /)
    }),
  )

  test(`a filter that refuses execve and the end of a process ends the box, and says so (${how})`, () => {
    // A plan, since --seccomp would refuse the profile.
    const plan = planOf([...flags, '--env', 'PATH=/usr/bin:/bin', 'true'])
    const names = SYSCALLS[process.arch as Machine] as Record<string, number>
    const refused = ['execve', 'execveat', 'exit', 'exit_group', 'write', 'sendto'].map(
      (name) => [names[name] as number, [{ when: [], action: errno(1) }]] as const,
    )
    plan.process.seccomp = {
      from: 'test',
      filter: Buffer.from(
        compile({
          machine: process.arch as Machine,
          calls: new Map(refused),
          otherwise: ALLOW,
          unknown: ALLOW,
          highest: 500,
        }),
      ).toString('base64'),
    }
    const { status, stderr } = sidecar(plan, [], { timeout: 30000 })
    assert.is(status, 126, stderr)
    assert.match(
      stderr,
      /^nsbox: exec: can't be executed: true: Operation not permitted \(EPERM\)\nhint: [^\n]*execve\n$/,
    )
  })
}

test(
  'with a profile and --allow-new-privs the command has no more capabilities than without one',
  inTemp((dir) => {
    const sets = (...flags: string[]) =>
      withProfile(dir, { defaultAction: 'SCMP_ACT_ALLOW' }, ['grep', '^Cap', '/proc/self/status'], flags).stdout
    for (const flags of [
      [],
      ['--map-root'],
      ['--no-init'],
      ...(asRoot
        ? [
            ['--user', '7'],
            ['--user', '7', '--cap-add', 'net_admin'],
          ]
        : []),
    ]) {
      assert.match(sets(...flags), /^CapInh:/)
      assert.is(sets(...flags, '--allow-new-privs'), sets(...flags))
    }
  }),
)

test(
  "a profile that can't be used is refused, with the place in it",
  inTemp((dir) => {
    const refused = (profile: unknown, message: RegExp) => {
      const { status, stderr } = withProfile(dir, profile, ['true'])
      assert.is(status, 125, stderr)
      assert.match(stderr, message)
      assert.match(stderr, /^nsbox: seccomp: [^\n]*: \/[^\n]*profile\.json\n(hint: [^\n]*\n)?$/)
    }
    refused('{', /the profile: is not JSON/)
    refused([], /the profile: must be an object/)
    refused({}, /\/defaultAction: the action must be one of/)
    refused({ defaultAction: 'SCMP_ACT_ERRNO' }, /the profile: does not allow execve: the command could not be started/)
    refused(
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['exit_group'], action: 'SCMP_ACT_ERRNO' }] },
      /does not allow exit_group: the command could not end/,
    )
    refused(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [
          { names: ['execve'], action: 'SCMP_ACT_KILL_PROCESS' },
          { names: ['execve'], action: 'SCMP_ACT_ALLOW' },
        ],
      },
      /does not allow execve/,
    )
    refused({ defaultAction: 'SCMP_ACT_NOTIFY' }, /\/defaultAction: the action/)
    refused(
      { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_S390X'] },
      /\/architectures: does not name this machine/,
    )
    refused({ defaultAction: 'SCMP_ACT_ALLOW', listenerPath: '/x' }, /\/listenerPath: is not known/)
    refused(
      { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['opne'], action: 'SCMP_ACT_ERRNO' }] },
      /\/syscalls\/0: no system call opne/,
    )
    refused(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['open'], action: 'SCMP_ACT_ERRNO', args: [{ index: 6, value: 1, op: 'SCMP_CMP_EQ' }] }],
      },
      /\/syscalls\/0\/args\/0: index/,
    )
    refused(
      {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['open'], action: 'SCMP_ACT_ERRNO', args: [{ index: 1, value: -1, op: 'SCMP_CMP_EQ' }] }],
      },
      /values must be integers/,
    )
    const { status, stderr } = nsbox(['--seccomp', `${dir}/nowhere`, 'true'])
    assert.is(status, 125)
    assert.match(
      stderr,
      /^nsbox: seccomp: read: [^\n]*\/nowhere: [^\n]*\(ENOENT\)\nhint: --seccomp takes default, socketcall, none, or the file of a profile\n$/,
    )
  }),
)

test.run()
