/** What the command may do, as the kernel shows it from inside. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, nsbox } from '../helpers/nsbox.ts'

const SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const

/** The five sets of the command or of process 1, in hexadecimal without leading zeros. */
function setsOf(process: 'self' | '1', args: readonly string[]): string[] {
  const { status, stdout, stderr } = nsbox([...args, '--', 'cat', `/proc/${process}/status`])
  assert.is(status, 0, stderr)
  return SETS.map((name) => BigInt(`0x${new RegExp(`^${name}:\\s+(\\w+)`, 'm').exec(stdout)?.[1]}`).toString(16))
}

/** Process 1 gives its privileges up when the command is there; until then the kernel lets nobody without them near it. */
function assertSets(process: 'self' | '1', args: readonly string[], expected: readonly string[]): void {
  let found = setsOf(process, args)
  for (let tries = 0; tries < 50 && process === '1' && found.join() !== expected.join(); tries++) found = setsOf(process, args)
  assert.equal(found, expected)
}

const NONE = ['0', '0', '0', '0', '0']
/** chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service net_raw sys_chroot mknod audit_write setfcap */
const DEFAULT = 'a80425fb'
const rootArgs = asRoot ? [] : ['--map-root']

for (const process of ['self', '1'] as const) {
  const who = process === '1' ? 'process 1' : 'the command'
  test(`CVE-2022-29162: ${who} has the default set as root, and none of it inheritable`, () => {
    assertSets(process, rootArgs, ['0', DEFAULT, DEFAULT, DEFAULT, '0'])
  })
  test(`${who} has no capability as anybody else`, () => {
    assertSets(process, ['--user', '1234:1234'], NONE)
  })
  test(`${who} loses what is dropped`, () => {
    assertSets(process, [...rootArgs, '--cap-drop', 'all'], NONE)
    assertSets(process, [...rootArgs, '--cap-drop', 'all', '--cap-add', 'CAP_KILL'], ['0', '20', '20', '20', '0'])
  })
  test(`${who} has what is added, also when it is not root`, () => {
    assertSets(process, ['--user', '1234:1234', '--cap-add', 'net_bind_service'], ['400', '400', '400', '400', '400'])
  })
}

test('a capability that was dropped does not work', () => {
  const args = [...rootArgs, '--tmpfs', '/tmp', '--']
  const touch = ['sh', '-c', 'mkdir /tmp/d && chmod 0 /tmp/d && touch /tmp/d/file && echo made']
  assert.is(nsbox([...args, ...touch]).stdout, 'made\n')
  assert.match(nsbox(['--cap-drop', 'dac_override', ...args, ...touch]).stderr, 'Permission denied')
})

test('root in a box can mount nothing, unless it is given sys_admin', () => {
  const mount = ['--tmpfs', '/tmp', 'mount', '-t', 'tmpfs', 'none', '/tmp']
  assert.is.not(nsbox([...rootArgs, ...mount]).status, 0)
  assert.is(nsbox([...rootArgs, '--cap-add', 'sys_admin', ...mount]).status, 0)
})

test('no_new_privs is set, unless new privileges are allowed', () => {
  const of = (args: readonly string[]) => /NoNewPrivs:\s+(\d)/.exec(nsbox([...args, 'cat', '/proc/self/status']).stdout)?.[1]
  assert.is(of([]), '1')
  assert.is(of(['--allow-new-privs']), '0')
})

test('an unknown capability is refused, with the nearest', () => {
  const { status, stderr } = nsbox(['--cap-add', 'net_admi', 'true'])
  assert.is(status, 2)
  assert.is(stderr, "nsbox: --cap-add: no capability 'net_admi'\nhint: the nearest is net_admin\n")
})

test.run()
