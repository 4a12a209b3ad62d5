/**
 * Known failures of such tools: what a command can do to the terminal and to the processes around it. Each test is
 * named by its lesson.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, busyboxRoot, execute, hasScopes, inTemp, NSBOX, nsbox } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'

const PUSH = join(BIN, 'push')

/** Whether the kernel itself refuses TIOCSTI (dev.tty.legacy_tiocsti, Linux 6.2). */
const kernelAllows =
  execute('sh', ['-c', 'cat /proc/sys/dev/tty/legacy_tiocsti 2>/dev/null || echo 1']).stdout.trim() === '1'

/** The screen of an interactive shell after a box in it has tried to type "echo INJ''ECTED" and Enter. */
async function injected(flags: readonly string[], high = ''): Promise<string> {
  const pty = new Pty(['bash', '--norc', '--noediting', '-i'])
  try {
    await pty.expect(/\$ $/)
    pty.enter(
      `${NSBOX} --quiet ${flags.join(' ')} ${PUSH} "$(printf "echo INJ''ECTED\\n")" ${high}; stty sane; echo ov""er`,
    )
    await pty.expect(/over/)
    pty.enter('echo la""st')
    await pty.expect(/last/)
    return pty.shown
  } finally {
    await pty.end()
  }
}

for (const [name, flags] of [
  ['default', []],
  ['new session', ['--new-session', '--seccomp', 'none']],
  ['map root', ['--map-root']],
] as const) {
  test(`CVE-2017-5226: nothing that a box pushes into its terminal is typed in the shell outside (${name})`, async () => {
    const shown = await injected(flags)
    assert.not.match(shown, 'INJECTED')
    assert.match(shown, 'refused')
  })
}

test('CVE-2019-10063: high bits in the request do not slip it through the filter', async () => {
  for (const high of ['1', 'ffffffff']) {
    const shown = await injected([], high)
    assert.not.match(shown, 'INJECTED')
    assert.match(shown, 'refused: Operation not permitted')
  }
})

const onlyWhereAllowed = kernelAllows ? test : test.skip
onlyWhereAllowed(
  'CVE-2017-5226: the test can fail: without a filter the shell outside runs what was pushed (this kernel allows it)',
  async () => {
    assert.match(await injected(['--seccomp', 'none']), 'INJECTED')
  },
)

test('CVE-2017-5226: a box that could type into its terminal is warned of', async () => {
  const pty = new Pty(['bash', '--norc', '--noediting', '-i'])
  try {
    await pty.expect(/\$ $/)
    const warns = async (flags: string) => {
      pty.enter(`${NSBOX} ${flags} echo do""ne`)
      return (await pty.expect(/[^]*done/)).includes('nsbox: warning: --seccomp')
    }
    assert.is(await warns('--seccomp none'), kernelAllows)
    assert.is(await warns('--seccomp none --new-session'), false)
    assert.is(await warns('--seccomp none --quiet'), false)
    assert.is(await warns('--seccomp default'), false)
    assert.is(await warns('--seccomp none </dev/null'), false)
  } finally {
    await pty.end()
  }
})

test("CVE-2023-28100: the console's own way of pasting, TIOCLINUX, is refused too, with high bits as well", () => {
  // script(1) makes a session with a controlling terminal, and attack.c prints each attempt.
  const { stdout } = execute('script', ['-qec', `${NSBOX} ${join(BIN, 'attack')}`, '/dev/null'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  assert.match(stdout, /^console_paste closed\r?$/m)
})

const onlyWithScopes = hasScopes ? test : test.skip
const ENDS_GROUP = 'trap "" TERM; "$0" "$@" sh -c "kill -KILL 0"; echo "outside goes on: $?"'
/** In a session and a process group of its own, like a script. */
const inGroup = (...flags: string[]) => execute('setsid', ['--wait', 'bash', '-c', ENDS_GROUP, NSBOX, ...flags])

onlyWithScopes('a box cannot end the process group of who started it (Linux 6.12)', () => {
  for (const flags of [[], ['--no-init'], ['--map-root'], ['--user', '7'], ['--seccomp', 'none']])
    assert.match(inGroup(...flags).stdout, /^outside goes on: /)
})

test('with --new-session a box cannot do that on any kernel', () => {
  assert.is(inGroup('--new-session', '--share', 'ipc').stdout, 'outside goes on: 137\n')
})

onlyWithScopes("the test can fail: where the host's processes are shared, it is ended (Linux 6.12)", () => {
  const { status, signal } = inGroup('--share', 'pid')
  assert.ok(signal === 'SIGKILL' || status === 137, `${status} ${signal}`)
})

test(
  'CVE-2025-52565: /dev/console is the terminal itself, whatever the root has below /dev',
  inTemp(async (dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    execute('sh', [
      '-c',
      'cd "$0/dev" && echo secret >../secret && ln -s ../secret console && ln -s ../tmp pts && ln -s ../secret tty',
      root,
    ])
    const pty = new Pty([
      NSBOX,
      '--root',
      root,
      'sh',
      '-c',
      'stat -c "%F %t" /dev/console /dev/pts /dev/tty; echo wri""tten >/dev/console; cat /secret',
    ])
    try {
      await pty.expect(/character special file 88[^]*directory 0[^]*character special file 5[^]*written[^]*secret/)
    } finally {
      await pty.end()
    }
    assert.is(readFileSync(join(root, 'secret'), 'utf8'), 'secret\n')
  }),
)

test(
  'CVE-2024-32462: a program with the name of an option is run as a program',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    execute('sh', [
      '-c',
      'printf "#!/bin/sh\necho ran \\"\\$*\\"\n" >"$0/bin/--dev-bind"; chmod 755 "$0/bin/--dev-bind"',
      root,
    ])
    assert.is(nsbox(['--root', root, '--', '--dev-bind', '/', '--ro']).stdout, 'ran / --ro\n')
  }),
)

test.run()
