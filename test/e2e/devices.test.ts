/**
 * The device nodes of a box are the host's own: a box can use them, but not change them, nor those that come as
 * descriptors 0 to 2.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, BIN, busyboxRoot, execute, inTemp, nsbox, NSBOX, SIDECAR } from '../helpers/nsbox.ts'

const ATTACK = join(BIN, 'attack')
const NODES = ['null', 'zero', 'full', 'random', 'urandom', 'tty']
const nodes = (): string[] =>
  NODES.map((name) => lstatSync(`/dev/${name}`)).map(({ mode, uid, gid }) => `${mode.toString(8)} ${uid} ${gid}`)

/** With one of the host's devices as standard input and error, as cron and child_process have it. */
function closed(program: string, args: readonly string[], inherited: string[] = ['closed']): void {
  const before = nodes()
  const { status, stdout } = spawnSync(program, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
    timeout: 60000,
  })
  assert.is(status, 0, `${args.join(' ')}: ${stdout}`)
  const verdicts = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  )
  assert.equal(Object.keys(verdicts).sort(), ['device_inherited', 'device_mode', 'device_owner', 'device_times'])
  assert.ok(inherited.includes(verdicts.device_inherited ?? ''), `${args.join(' ')}: ${stdout}`)
  for (const verdict of Object.values(verdicts)) assert.is.not(verdict, 'open', `${args.join(' ')}: ${stdout}`)
  assert.equal(nodes(), before)
}

const MIXES: Record<string, string[]> = {
  'as it is': [],
  '--ro': ['--ro'],
  '--overlay': ['--overlay'],
  '--userns': ['--userns'],
  '--map-root': ['--map-root'],
  '--share pid': ['--share', 'pid'],
  '--no-init': ['--no-init'],
  '--new-session': ['--new-session'],
  'another /dev': ['--tmpfs', '/tmp', '--dev=/tmp/dev'],
}

for (const [name, flags] of Object.entries(MIXES)) {
  test(
    `nobody in a box can chmod, chown or touch the host's devices (${name})`,
    inTemp((dir) => {
      const bind = name === 'another /dev' ? ['--ro-bind', `${ATTACK}:/tmp/attack`] : []
      const command = [bind.length > 0 ? '/tmp/attack' : ATTACK, '--only', 'device']
      closed(NSBOX, ['--quiet', '--cwd', '/', ...flags, ...bind, ...command])
      const plan = join(dir, 'plan')
      writeFileSync(plan, nsbox(['plan', '--cwd', '/', ...flags, ...bind, ...command]).stdout)
      closed(SIDECAR, ['--plan', plan, '--old-mount-api'])
      const program = join(dir, 'program')
      assert.is(nsbox(['bake', '-o', program, '--cwd', '/', ...flags, ...bind, ...command]).status, 0)
      closed(program, [])
    }),
  )
}

test(
  'nor in a root of its own, with a /dev or without one',
  inTemp((dir) => {
    for (const directories of [['proc', 'dev'], []]) {
      const root = busyboxRoot(join(dir, `r${directories.length}`), directories)
      copyFileSync(ATTACK, join(root, 'bin/attack'))
      const plan = join(dir, 'plan')
      writeFileSync(plan, nsbox(['plan', '--root', root, 'attack', '--only', 'device']).stdout)
      closed(NSBOX, ['--root', root, 'attack', '--only', 'device'])
      closed(SIDECAR, ['--plan', plan, '--old-mount-api'])
      // A device that is bound on purpose may be changed, but descriptors aren't bound on purpose.
      if (directories.length === 0) {
        mkdirSync(join(root, 'host-dev'))
        closed(NSBOX, ['--root', root, '--dev-bind', '/dev:/host-dev', 'attack', '--only', 'device'])
      }
    }
  }),
)

test(
  'nor by a command that enters a box, with a /dev or without one',
  inTemp(async (dir) => {
    for (const directories of [['proc', 'dev'], ['proc']]) {
      const root = busyboxRoot(join(dir, `r${directories.length}`), directories)
      copyFileSync(ATTACK, join(root, 'bin/attack'))
      const box = Bun.spawn([NSBOX, '--root', root, 'sh', '-c', 'echo ready; sleep 60'], {
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'inherit',
      })
      try {
        await box.stdout.getReader().read()
        // A user's descriptor stays if the box has no such device, since the node isn't the user's to change.
        closed(NSBOX, ['enter', String(box.pid), 'attack', '--only', 'device'])
      } finally {
        box.kill('SIGKILL')
        await box.exited
      }
    }
  }),
)

test(
  'null, zero and the like work, and so do closed descriptors',
  inTemp((dir) => {
    const show =
      'cat; echo lost >/dev/null; echo lost >&2; head -c 3 /dev/zero | wc -c; echo x 2>/dev/null >/dev/full || echo full; head -c 3 /dev/urandom | wc -c; readlink /proc/self/fd/0'
    const run = (stdio: ('ignore' | 'pipe')[], ...args: string[]) =>
      execute(NSBOX, [...args, 'sh', '-c', show], { stdio }).stdout
    assert.is(run(['ignore', 'pipe', 'ignore']), '3\nfull\n3\n/dev/null\n')
    assert.is(execute('sh', ['-c', `exec ${NSBOX} sh -c '${show}' <&- 2>&-`]).stdout, '3\nfull\n3\n/dev/null\n')
    // In a root without /dev, writes to descriptors work, and reads return nothing.
    const root = busyboxRoot(join(dir, 'r'), [])
    assert.is(
      execute(NSBOX, ['--root', root, 'sh', '-c', 'cat; echo lost >&2 && echo written'], {
        stdio: ['ignore', 'pipe', 'ignore'],
      }).stdout,
      'written\n',
    )
    // O_APPEND and O_NONBLOCK are kept.
    const flags = 'while read -r name value; do test "$name" != flags: || echo "$value"; done </proc/self/fdinfo/1 >&2'
    const seen = (...args: string[]) =>
      execute('bash', ['-c', `exec "$@" >>/dev/null`, 'bash', ...args, 'bash', '-c', flags]).stderr
    const plain = (text: string) => text.replace(/0100000/, '')
    assert.is(Number.parseInt(plain(seen(NSBOX)), 8) & 0o6003, Number.parseInt(plain(seen('env')), 8) & 0o6003)
  }),
)

const onlyRoot = asRoot ? test : test.skip
onlyRoot("the test can fail: a bind of the host's /dev lets root change them (needs root)", () => {
  const { stdout } = execute(NSBOX, ['--dev-bind', '/dev', ATTACK, '--only', 'device'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  assert.match(stdout, /^device_mode open$/m)
  assert.match(stdout, /^device_inherited closed$/m)
})

test.run()
