/** Each traced command ends, and a terminal has its job control. */
// seconds: 300
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, NSBOX } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'
import { inVarTmp } from '../rootfs/helpers.ts'
import { build } from './trace-helpers.ts'

const THREADS = join(BIN, 'use_files')

for (const [what, status, shown, ...command] of [
  ['stops itself', 0, 'went on\n', 'sh', '-c', 'kill -STOP $$; echo went on'],
  ['stops as for a terminal', 0, 'went on\n', 'sh', '-c', 'kill -TSTP $$; echo went on'],
  ['stops, with all that it has started', 0, 'went on\n', 'sh', '-c', 'sleep 0 & kill -STOP $! $$; echo went on'],
  [
    'stops a child and continues it',
    0,
    'ended\n',
    'sh',
    '-c',
    'sleep 0.1 & kill -STOP $!; kill -CONT $!; wait $!; echo ended',
  ],
  ['leaves a daemon behind', 0, 'away\n', 'sh', '-c', '(trap "" HUP TERM; sleep 1000) & echo away'],
  ['executes from a second thread', 0, 'second\n', THREADS, 'thread', '/bin/echo', 'second'],
  ['runs a child in its own memory', 0, 'child\n', THREADS, 'vfork', '/bin/echo', 'child'],
  ['runs a child by clone3', 0, 'child\n', THREADS, 'clone3', '/bin/echo', 'child'],
  ['kills itself', 143, '', 'sh', '-c', 'kill -TERM $$'],
] as const)
  test(
    `a command that ${what} ends`,
    inVarTmp((dir) => {
      const ran = build(dir, 'r', '--dry-run', '--quiet', '--trace', '--', ...command)
      assert.equal([ran.status, ran.stderr], [status, shown], ran.stdout)
    }),
  )

test(
  'a command that reads in the background ends, as where no shell is left',
  inVarTmp((dir) => {
    const ran = build(dir, 'r', '--dry-run', '--quiet', '--trace', '--', 'sh', '-c', 'kill -TTIN $$; echo went on')
    // The kernel itself ignores the signal where the group of processes has no parent in its session.
    if (ran.status !== 0) assert.match(ran.stdout, 'note: was ended by SIGHUP')
    assert.equal([ran.status, ran.stderr], ran.status === 0 ? [0, 'went on\n'] : [129, ''])
  }),
)

for (const [program, status, ...args] of [
  ['gdb', 1, '-batch', '-ex', 'run', '/bin/true'],
  ['strace', 1, '-f', '/bin/true'],
] as const) {
  const name = `${program}, which would trace in turn, says so and ends`
  const path = join('/usr/bin', program)
  if (!existsSync(path)) test.skip(`${name} (no ${path})`, () => undefined)
  else
    test(
      name,
      inVarTmp((dir) => {
        const ran = build(dir, 'r', '--dry-run', '--quiet', '--trace', '--', path, ...args)
        assert.is(ran.status, status, ran.stderr)
        assert.match(ran.stderr, /ptrace.*not permitted/)
      }),
    )
}

test(
  'on a terminal a traced command stops and continues as one that runs directly',
  inVarTmp(async (dir) => {
    const terminal = new Pty(['bash', '--norc', '-i'])
    const trace = `${NSBOX} rootfs build ${join(dir, 'r')} --dry-run --quiet --trace --`
    try {
      await terminal.expect(/\$ $/)
      terminal.enter(`${trace} sh -c 'echo rea""dy; cat; echo fini""shed'`)
      await terminal.expect(/ready/)
      terminal.type('\x1a')
      await terminal.expect(/Stopped[^]*\$ $/)
      terminal.enter('fg')
      await terminal.expect(/fg\r\n/)
      terminal.enter('word')
      await terminal.expect(/word\r\nword/)
      terminal.type('\x04')
      await terminal.expect(/finished[^]*\$ $/)
      terminal.enter(`${trace} sh -c 'cat; echo fini""shed' &`)
      await terminal.press('\r', /Stopped[^]*\$ $/)
      terminal.enter('fg')
      await terminal.press('\x04', /finished[^]*\$ $/)
      terminal.enter(`${trace} env PS1=inner= bash --norc -i`)
      await terminal.expect(/inner=$/)
      terminal.enter('sleep 1000')
      await terminal.expect(/1000\r\n/)
      await terminal.press('\x1a', /Stopped[^]*inner=$/)
      terminal.enter('fg')
      await terminal.expect(/sleep 1000\r\n/)
      await terminal.press('\x03', /inner=$/)
      terminal.enter('exit 7')
      await terminal.expect(/\$ $/)
      terminal.enter('echo "status $?"')
      await terminal.expect(/status 7/)
    } finally {
      await terminal.end()
    }
  }),
)

test.run()
