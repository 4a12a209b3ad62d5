/** Limits of time and of resources, and the report of the used resources. */
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, busyboxRoot, execute, failure, inTemp, NSBOX, nsbox, planOf, sidecar } from '../helpers/nsbox.ts'

/** Processes whose environment has this word, by number. */
const marked = (word: string) =>
  execute('sh', ['-c', 'grep -lz "MARK=$0" /proc/[0-9]*/environ 2>/dev/null', word]).stdout.trim()

test('a command that takes too long gets TERM, and the status is 124', () => {
  const { status, stdout } = nsbox(['--timeout', '500ms', join(BIN, 'hear'), 'TERM'])
  assert.is(status, 124)
  assert.is(stdout, 'ready\ngot-TERM\n')
  assert.is(nsbox(['--timeout', '100ms', 'sleep', '1000']).status, 124)
  assert.is(nsbox(['--timeout', '60', 'sh', '-c', 'exit 3']).status, 3)
  assert.is(nsbox(['--timeout', '60', 'nowhere']).status, 127)
})

for (const flags of [[], ['--no-init'], ['--new-session']]) {
  test(`a command that ignores TERM is killed after the grace, with everything in the box (${flags.join(' ') || 'by default'})`, () => {
    const word = `${process.pid}-${flags.length}${flags[0] ?? ''}`
    const script =
      'trap "" TERM; setsid sh -c "trap \'\' TERM; sleep 1000; sleep 1000" & sh -c "trap \'\' TERM; kill -STOP \\$\\$" & sleep 1000; sleep 1000'
    const plan = planOf([...flags, '--timeout', '150ms', '--env', `MARK=${word}`, 'sh', '-c', script])
    plan.supervision = { ...(plan.supervision as object), grace: 150 }
    assert.is(sidecar(plan).status, 124)
    assert.is(marked(word), '')
  })
}

test('a stopped box ends at its time limit too', () => {
  const plan = planOf(['--timeout', '150ms', 'sh', '-c', 'kill -STOP $$; echo went on'])
  plan.supervision = { ...(plan.supervision as object), grace: 5000 }
  assert.is(sidecar(plan).status, 124)
})

test('soft and hard limits are as the caller asked', () => {
  const { stdout } = nsbox([
    '--ulimit',
    'nofile=64:128',
    '--ulimit',
    'core=0',
    '--ulimit',
    'fsize=1m:2m',
    '--ulimit',
    'nofile=65:128',
    'bash',
    '-c',
    'ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -Sf; ulimit -Hf',
  ])
  assert.is(stdout, '65\n128\n0\n1024\n2048\n')
  assert.is(nsbox(['--ulimit', 'cpu=1', 'sh', '-c', 'while :; do :; done']).status, 128 + 24)
  failure(
    execute('bash', ['-c', 'ulimit -n 100; exec "$0" --ulimit nofile=200 true', NSBOX]),
    /^nsbox: limits: set limit: nofile: /,
  )
})

test(
  'used resources are reported at the end, and time-outs too',
  inTemp((dir) => {
    const events = (...args: string[]) => {
      const fd = openSync(join(dir, 'status'), 'w')
      nsbox(['--status-fd', '3', ...args], { stdio: ['ignore', 'ignore', 'ignore', fd] })
      closeSync(fd)
      return JSON.parse(readFileSync(join(dir, 'status'), 'utf8').trim().split('\n').at(-1) ?? '')
    }
    // The child of a child counts too.
    const busy = events('bash', '-c', '(i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done) & wait')
    assert.ok(busy.usage.user > 0.01, JSON.stringify(busy))
    assert.ok(busy.usage.wall >= busy.usage.user / 4, JSON.stringify(busy))
    const large = events('bash', '-c', 'x=$(head -c 30000000 /dev/zero | tr "\\0" x); echo ${#x}')
    assert.ok(large.usage.maxRss > 30e6 && large.usage.maxRss < 1e9, JSON.stringify(large))
    const late = events('--timeout', '100ms', 'sleep', '1000')
    assert.equal([late.status, late.timedOut], [124, true])
    assert.ok(late.usage.wall >= 0.1, JSON.stringify(late))
  }),
)

/**
 * Whether this machine lets the user of the tests make a control group with limits. test/vm/ has a machine that does.
 */
const refusal = nsbox(['--memory', '64m', '--cpus', '1', '--pids', '20', 'true'])

if (refusal.status !== 0) {
  test(
    'limits of the whole box without a usable control group fail with the reason and a way out, and make nothing',
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      for (const option of ['--memory=64m', '--cpus=1', '--pids=20']) {
        const ran = nsbox(['--root', root, option, '--dir', '/made', 'true'])
        failure(ran, /^nsbox: control group: [^\n]+\nhint: [^\n]+\n$/)
        assert.not.ok(existsSync(join(dir, 'r/made')))
        assert.is(nsbox(['--quiet', option, 'true']).stderr.split('\n').length, 2)
      }
      const { stdout } = nsbox(['doctor'])
      assert.match(stdout, /^note {2}control groups: .*\n.*--memory, --cpus and --pids will not work\n {8}fix: /m)
    }),
  )
} else {
  test('limits of the whole box hold on this machine', () => {
    assert.is(nsbox(['--memory', '64m', 'bash', '-c', 'x=$(head -c 200000000 /dev/zero | tr "\\0" x)']).status, 137)
    assert.is(nsbox(['--pids', '5', 'bash', '-c', 'cat /sys/fs/cgroup/pids.max']).stdout, '6\n')
    assert.match(nsbox(['doctor']).stdout, /^ok {4}control groups: /m)
  })
}

test('events reach descriptors that the command has too', () => {
  for (const fd of ['1', '2']) {
    const { stdout, stderr } = nsbox(['--status-fd', fd, 'sh', '-c', 'exit 3'])
    assert.match(stdout + stderr, /"event":"exit","status":3/)
  }
})

test.run()
