/** Known failures of such tools: privileges, restrictions, and who ends with whom. Each test is named by its lesson. */
// seconds: 150
import { chmodSync, chownSync, copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  failure,
  INTERFACES,
  inTemp,
  nsbox,
  NSBOX,
  parseMounts,
  planOf,
  SIDECAR,
  sidecar,
} from '../helpers/nsbox.ts'
import { asUser } from './as-user.ts'

const onlyRoot = asRoot ? test : test.skip

const has = (program: string) =>
  execute('sh', ['-c', 'command -v "$0" || true', program], {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
  }).stdout.trim()

onlyRoot(
  'CVE-2016-8659, CVE-2020-5291: a copy that is setuid, or has file capabilities, refuses (needs root)',
  inTemp((dir) => {
    chmodSync(dir, 0o755)
    const refused = (file: string, ...args: string[]) =>
      failure(
        asUser('', file, ...args),
        /^nsbox: read plan: nsbox is not made to be setuid or to have file capabilities\n/,
      )
    const plan = join(dir, 'plan.json')
    writeFileSync(plan, JSON.stringify(planOf(['true'])))
    const copy = join(dir, 'nsbox-sidecar')
    for (const [name, owner, mode] of [
      ['setuid', 0, 0o4755],
      ['setgid', 0, 0o2755],
      ['setuid of another', 77, 0o4755],
    ] as const) {
      copyFileSync(SIDECAR, copy)
      chownSync(copy, owner, owner)
      chmodSync(copy, mode)
      refused(copy, '--plan', plan)
      assert.ok(name)
    }
    chmodSync(copy, 0o755)
    const setcap = has('setcap')
    if (setcap !== '' && execute(setcap, ['cap_sys_admin+ep', copy]).status === 0) refused(copy, '--plan', plan)
    // The whole program too, which becomes the sidecar with the ids that it has.
    const whole = join(dir, 'nsbox')
    copyFileSync(NSBOX, whole)
    chmodSync(whole, 0o4755)
    refused(whole, 'true')
  }),
)

for (const flags of asRoot ? [['--user', '5001'], []] : [[], ['--map-root']]) {
  test(`CVE-2026-41163: no process of the same user can trace a box while it is set up (${flags.join(' ') || 'default'})`, async () => {
    const tracer = Bun.spawn([NSBOX, '--share', 'pid', ...flags, join(BIN, 'seize')], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const reader = tracer.stdout.getReader()
    assert.is(new TextDecoder().decode((await reader.read()).value), 'ready\n')
    // Many mounts, so that the set-up takes some time.
    const plan = planOf([
      ...flags,
      ...Array.from({ length: 60 }, (_, i) => ['--tmpfs', `/tmp/d${i}`]).flat(),
      '--tmpfs',
      '/tmp',
      'true',
    ]) as { mounts: { target: string }[] } & ReturnType<typeof planOf>
    plan.mounts.sort((a, b) => Number(b.target === '/tmp') - Number(a.target === '/tmp'))
    for (let i = 0; i < 30; i++) assert.is(sidecar(plan).status, 0)
    tracer.stdin.end()
    const [tried = 0, allowed] = new TextDecoder()
      .decode((await reader.read()).value)
      .trim()
      .split(' ')
      .map(Number)
    assert.is(await tracer.exited, 0)
    assert.ok(tried > 0, `${tried} tries`)
    assert.is(allowed, 0)
  })
}

test('ns#341: io_uring, which no filter can look into, is closed', () => {
  const { stdout } = nsbox([join(BIN, 'attack')])
  assert.match(stdout, /^uring closed$/m)
  // Other ways past a filter: other ABIs, and clone3, whose flags lie in memory.
  for (const name of ['clone3_user', ...(process.arch === 'x64' ? ['x32', 'int80'] : [])])
    assert.match(stdout, new RegExp(`^${name} closed$`, 'm'))
})

const SEALED = ['nosuid', 'nodev', 'noexec']
for (const { name, box } of INTERFACES) {
  test(
    `ns#283: every file system that nsbox mounts has all restrictions that it can have (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp'])
      writeFileSync(join(dir, 'file'), '')
      writeFileSync(join(root, 'secret'), '')
      const flags = [
        '--root',
        root,
        '--tmpfs',
        '/tmp',
        '--proc=/tmp/proc',
        '--dev=/tmp/dev',
        '--file',
        `${dir}/file:/tmp/f`,
        '--mask',
        '/secret',
        '--bind',
        `${dir}:/tmp/b`,
        '--ro-bind',
        `${dir}:/tmp/ro`,
        '--dev-bind',
        '/dev/null:/tmp/null',
      ]
      const mounts = parseMounts(box([...flags, 'cat', '/proc/self/mountinfo']).stdout)
      const needed = (path: string, type: string): string[] => {
        if (path === '/') return ['nosuid', 'nodev']
        if (/^\/tmp\/(b|f)$|^\/tmp$/.test(path)) return ['nosuid', 'nodev']
        if (path === '/tmp/ro') return ['ro', 'nosuid', 'nodev']
        // Devices, which nodev would close.
        if (
          type === 'devpts' ||
          path === '/tmp/null' ||
          /\/dev\/(null|zero|full|random|urandom|tty|console)$/.test(path)
        )
          return ['nosuid', ...(path === '/tmp/null' ? [] : ['noexec'])]
        return SEALED
      }
      for (const { path, type, options } of mounts)
        assert.equal(
          needed(path, type).filter((option) => !options.includes(option)),
          [],
          `${path} ${type} ${options}`,
        )
      assert.ok(mounts.length > 30, String(mounts.length))
      const whole = parseMounts(box(['cat', '/proc/self/mountinfo']).stdout).filter(({ path }) =>
        /^\/(proc|sys|dev)(\/|$)/.test(path),
      )
      // A mount below another one at the same path doesn't show.
      for (const { path, type, options } of new Map(whole.map((mount) => [mount.path, mount])).values())
        assert.equal(
          needed(path, type).filter((option) => !options.includes(option)),
          [],
          `${path} ${type} ${options}`,
        )
    }),
  )
}

test('bubblewrap 505: in a box with a masked /proc, an inner box fails with the reason, and shows no other /proc', () => {
  const outer = [
    ...(asRoot ? ['--userns'] : ['--map-root']),
    '--cap-add',
    'all',
    '--allow-new-privs',
    '--seccomp',
    'none',
  ]
  const { status, stdout, stderr } = nsbox([...outer, NSBOX, '--userns', 'sh', '-c', 'ls /proc'])
  assert.is(status, 125, stdout)
  assert.match(
    stderr,
    /^nsbox: mounts: mount proc: \/proc: Operation not permitted \(EPERM\)\nhint: parts of this \/proc are covered[^\n]*\n$/,
  )
  assert.is(stdout, '')
  // The hint's way out works, and shows the processes of the outer box.
  assert.match(
    nsbox([...outer, NSBOX, '--userns', '--share', 'pid', 'sh', '-c', 'cat /proc/1/comm']).stdout,
    /^box-init\n$/,
  )
})

/** Waits for the end of the box's output, when the last process that could write to it ends. */
const ended = (stream: ReadableStream<Uint8Array>) => new Response(stream).text()

test('bubblewrap 692: with --die-with-parent the box lives as long as the process, not the thread, that started it', async () => {
  const parent = Bun.spawn(
    [
      join(BIN, 'threads'),
      NSBOX,
      '--die-with-parent',
      'sh',
      '-c',
      'echo ready; i=0; while [ $i -lt 3 ]; do sleep 0.05; i=$((i+1)); done; echo alive; exec sleep 1000',
    ],
    { stdin: 'pipe', stdout: 'pipe', stderr: 'pipe' },
  )
  const reader = parent.stdout.getReader()
  let out = ''
  while (!out.includes('alive')) {
    const { done, value } = await reader.read()
    if (done) break
    out += new TextDecoder().decode(value)
  }
  assert.is(out, 'ready\nalive\n', 'it ended with the thread')
  assert.match(
    await (async () => {
      parent.stdin.end()
      return ended(parent.stderr)
    })(),
    'thread has ended',
  )
  await parent.exited
  for (;;) if ((await reader.read()).done) break
})

test(
  'bubblewrap 633: a parent that is killed at any step of the start takes the box with it',
  inTemp(async (dir) => {
    const file = join(dir, 'plan.json')
    writeFileSync(file, JSON.stringify(planOf(['--die-with-parent', 'sleep', '1000'])))
    for (let round = 0; round < 40; round++) {
      const parent = Bun.spawn([join(BIN, 'threads'), SIDECAR, '--plan', file], {
        stdin: 'pipe',
        stdout: 'pipe',
        stderr: 'ignore',
      })
      await Bun.sleep(round / 4)
      parent.kill('SIGKILL')
      await parent.exited
      await ended(parent.stdout)
      // Otherwise the runtime may wait for that pipe for ever.
      await parent.stdin.end()
    }
  }),
)

test.run()
