/** Plans with many mounts: they work, and each costs the same as the one before. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, execute, INTERFACES, inTemp, nsbox, NSBOX, SIDECAR, treeOf } from '../helpers/nsbox.ts'

/** A root, and the options for binds of COUNT directories of DIR, each with a file that contains its number. */
function manyBinds(dir: string, count: number): string[] {
  const root = busyboxRoot(join(dir, 'r'))
  const numbers = Array.from({ length: count }, (_, i) => i)
  for (const i of numbers) {
    mkdirSync(join(dir, 'from', String(i)), { recursive: true })
    writeFileSync(join(dir, 'from', String(i), 'number'), `${i}\n`)
  }
  return [
    '--root',
    root,
    '--tmpfs',
    '/m',
    ...numbers.flatMap((i) => [i % 2 ? '--bind' : '--ro-bind', `${dir}/from/${i}:/m/${i}`]),
  ]
}

for (const { name, box } of INTERFACES) {
  test(
    `a thousand directories can be shown in one box, each in its place (${name})`,
    inTemp((dir) => {
      const options = manyBinds(dir, 1000)
      const before = [
        treeOf(join(dir, 'r')).filter((line) => !line.startsWith('m ')),
        treeOf(join(dir, 'from')),
        readFileSync('/proc/self/mountinfo', 'utf8'),
      ]
      const { status, stdout, stderr } = box([
        ...options,
        'sh',
        '-c',
        'cd /m; i=0; while [ $i -lt 1000 ]; do read n <$i/number; [ $n = $i ] || echo wrong: $i; i=$((i+1)); done; grep -c " /m/" /proc/self/mountinfo; echo x 2>/dev/null >0/new || echo read-only',
      ])
      assert.is(status, 0, stderr)
      assert.is(stdout, '1000\nread-only\n')
      assert.equal(
        [
          treeOf(join(dir, 'r')).filter((line) => !line.startsWith('m ')),
          treeOf(join(dir, 'from')),
          readFileSync('/proc/self/mountinfo', 'utf8'),
        ],
        before,
      )
    }),
  )

  test(
    `two hundred files can be put in one box, each with its own content (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      const numbers = Array.from({ length: 200 }, (_, i) => i)
      for (const i of numbers) writeFileSync(join(dir, `f${i}`), `${i}\n`)
      const { status, stdout, stderr } = box([
        '--root',
        root,
        '--tmpfs',
        '/m',
        ...numbers.flatMap((i) => ['--file', `${dir}/f${i}:/m/${i}`]),
        'sh',
        '-c',
        'cd /m; i=0; while [ $i -lt 200 ]; do cat $i; echo changed >$i; i=$((i+1)); done',
      ])
      assert.is(status, 0, stderr)
      assert.equal(stdout.trim().split('\n').map(Number), numbers)
      for (const i of numbers) assert.is(readFileSync(join(dir, `f${i}`), 'utf8'), `${i}\n`)
    }),
  )
}

/** The number of system calls that the sidecar and its children make for a plan. */
function systemCalls(plan: string, flags: readonly string[]): number {
  const { status, stderr } = execute('strace', ['-f', '-c', '-S', 'calls', SIDECAR, '--plan', plan, ...flags])
  assert.is(status, 0, stderr)
  return Number(/^100\.00 +\S+ +(?:\S+ +)?(\d+) +(?:\d+ +)?total$/m.exec(stderr)?.[1])
}

const hasStrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
for (const flags of [[], ['--old-mount-api']]) {
  const title = `ten times as many binds take ten times as many system calls, and not a hundred times${flags.length ? ' (mount(2))' : ' (mount API)'}`
  const body = inTemp((dir) => {
    const [few = 0, many = 0] = [100, 1000].map((count) => {
      const { stdout } = nsbox(['plan', ...manyBinds(join(dir, String(count)), count), '/bin/true'])
      writeFileSync(join(dir, `${count}.json`), stdout)
      return systemCalls(join(dir, `${count}.json`), flags)
    })
    assert.ok(few > 300, `${few} for 100`)
    assert.ok(many / few <= 12, `${few} for 100, ${many} for 1000`)
  })
  if (hasStrace) test(title, body)
  else test.skip(`${title} (strace is missing or may not trace)`, body)
}

test(
  'with a limit on open files below the number of binds, the message names the limit, and nothing is left',
  inTemp((dir) => {
    const options = manyBinds(dir, 100)
    const before = [treeOf(dir), readFileSync('/proc/self/mountinfo', 'utf8')]
    const { status, stderr } = execute('bash', ['-c', 'ulimit -n 64 && exec "$@"', 'sh', NSBOX, ...options, 'true'])
    assert.is(status, 125, stderr)
    assert.match(
      stderr,
      /^nsbox: mounts: bind: \/.*\/from\/\d+: .* \(EMFILE\)\nhint: each bind takes a descriptor until it is mounted; raise the hard limit: ulimit -Hn\n$/,
    )
    assert.equal([treeOf(dir), readFileSync('/proc/self/mountinfo', 'utf8')], before)
  }),
)

test(
  'a soft limit on open files does not limit a plan, and the command gets it unchanged',
  inTemp((dir) => {
    const options = manyBinds(dir, 300)
    const command = ['sh', '-c', 'grep -c " /m/" /proc/self/mountinfo; ulimit -Sn']
    const { stdout: plan } = nsbox(['plan', ...options, ...command])
    writeFileSync(
      join(dir, 'plan'),
      JSON.stringify({ ...JSON.parse(plan), process: { ...JSON.parse(plan).process, limits: [] } }),
    )
    for (const args of [
      [NSBOX, ...options, ...command],
      [SIDECAR, '--plan', join(dir, 'plan')],
    ]) {
      const { status, stdout, stderr } = execute('bash', ['-c', 'ulimit -Sn 64; "$@"; exit $?', 'sh', ...args])
      assert.is(status, 0, stderr)
      assert.is(stdout, '300\n64\n')
    }
  }),
)

test.run()
