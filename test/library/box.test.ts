/** The library as its users use it, under Bun; test/library/both/ has what runs under Node too. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { $ as zx } from 'zx'
import { box, SandboxError, UsageError } from '../../src/index.ts'
import { busyboxRoot, inTemp } from '../helpers/nsbox.ts'

const inRoot = (body: (root: string) => Promise<void>) => inTemp((dir) => body(busyboxRoot(join(dir, 'r'))))

test(
  'run gives what the command prints and its status',
  inRoot(async (root) => {
    const b = box({ root, tmpfs: '/tmp', net: 'none', hostname: 'boxed' })
    const { usage, ...result } = await b.run(['sh', '-c', 'hostname; ls /; cat; echo oops >&2; exit 3'], {
      input: 'from outside\n',
    })
    assert.equal(result, {
      exitCode: 3,
      signal: undefined,
      stdout: 'boxed\nbin\ndev\nproc\ntmp\nfrom outside\n',
      stderr: 'oops\n',
      timedOut: false,
      limits: 'The box had: files writable; no network.',
      hints: [],
    })
    assert.ok(usage !== undefined && usage.wall > 0 && usage.maxRss > 0, JSON.stringify(usage))
  }),
)

test('a relative directory is bound on its own path', () => {
  const { mounts = [] } = box({ tmpfs: '/tmp', bind: '.', roBind: ['./src', 'src/../test'] }).plan(['true'])
  const binds = mounts.filter(({ type }) => type === 'bind')
  assert.equal(
    binds.map(({ target }) => target),
    [process.cwd(), join(process.cwd(), 'src'), join(process.cwd(), 'test')],
  )
})

test("~ is the program's home, in options that name a path", () => {
  const { mounts = [] } = box({ bind: '~/.:/x', roBindTry: '~/no such:/y', env: 'A=~/z' }).plan(['true'])
  assert.equal(
    mounts.flatMap((mount) => (mount.type === 'bind' ? [[mount.source, mount.optional]] : [])),
    [
      [`${process.env.HOME}/.`, undefined],
      [`${process.env.HOME}/no such`, true],
    ],
  )
})

test(
  'nest, allowUserns and share: abstract are options of the library, for boxes that stay too',
  inRoot(async (root) => {
    const b = box({ root, nest: true, allowUserns: true, share: 'abstract', tmpfs: '/tmp' })
    const plan = b.plan(['true'])
    assert.ok(plan.namespaces.includes('user'))
    assert.is(plan.process.seccomp?.from, 'default with user namespaces')
    assert.not.ok(plan.process.landlock?.includes('abstract'))
    assert.equal((await b.run(['cat', '/proc/self/comm'])).stdout, 'cat\n')
    await using live = await b.open()
    assert.equal(
      (await live.run(['sh', '-c', 'echo 0 2>/dev/null >/proc/self/oom_score_adj || echo read-only'])).stdout,
      'read-only\n',
    )
  }),
)

test(
  "the box's own timeout is a result too",
  inRoot(async (root) => {
    const { exitCode, timedOut } = await box({ root, timeout: '100ms' }).run(['sleep', '1000'])
    assert.equal([exitCode, timedOut], [124, true])
  }),
)

test(
  'a command that a signal kills says which',
  inRoot(async (root) => {
    const result = await box({ root }).run(['sh', '-c', 'kill -USR1 $$'])
    assert.is(result.exitCode, 138)
    assert.is(result.signal, 'SIGUSR1')
  }),
)

test(
  'a failure of nsbox itself is a SandboxError with its parts, and never in the output of the command',
  inRoot(async (root) => {
    const missing = await box({ root })
      .run(['nowhere'])
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    assert.instance(missing, SandboxError)
    const { step, path, code, errno, status } = missing as SandboxError
    assert.equal(
      { step, path, code, errno, status },
      { step: 'exec', path: 'nowhere', code: 'ENOENT', errno: -2, status: 127 },
    )
    assert.throws(
      () => box({ root: join(root, 'nowhere') }).plan(['sh']),
      (error: unknown) => error instanceof SandboxError && error.step === 'root',
    )
  }),
)

test(
  'a command that ends with 125, 126 or 127 by itself is a result and no failure of nsbox',
  inRoot(async (root) => {
    for (const status of [125, 126, 127])
      assert.is((await box({ root }).run(['sh', '-c', `exit ${status}`])).exitCode, status)
  }),
)

test('an unknown option and a wrong value name the key', () => {
  assert.throws(() => box({ tmpf: '/tmp' } as object), /unknown option tmpf/)
  assert.throws(() => box({ ro: 'yes' } as object), /ro: must be true or false/)
  assert.throws(() => box({ root: true } as object), /root: must be text/)
  assert.throws(() => box({ ro: true, overlay: true }), /ro and overlay/)
  assert.throws(() => box({ ro: true }).with({ overlay: true }), /ro and overlay/)
  assert.throws(() => box({ proc: false } as object), /proc: must be text/)
})

test('an invalid entry of mounts is an error that names its place', () => {
  const mistakes: [unknown, RegExp][] = [
    ['/tmp', /^mounts: must be an array, not '\/tmp'$/],
    [['/tmp'], /^mounts\[0\]: must be an object, not '\/tmp'$/],
    [[{ type: 'tmpfs', target: '/a' }, { type: 'tmpfs' }], /^mounts\[1\]\.target: is missing$/],
    [[{ type: 'tmpfs', target: 'a' }], /^mounts\[0\]\.target: must be an absolute path, not 'a'$/],
    [[{ type: 'tmpfs', target: '/a', size: '1m' }], /^mounts\[0\]\.size: must be a number of bytes above 0, not '1m'$/],
    [[{ type: 'tmpfs', target: '/a', size: 0 }], /^mounts\[0\]\.size: /],
    [[{ type: 'dir', target: '/a', mode: 0o755 }], /^mounts\[0\]\.mode: must be text of three or four octal digits/],
    [[{ type: 'bind', source: '/', readOnly: true }], /^mounts\[0\]\.readOnly: unknown key of a mount of type bind$/],
    [[{ type: 'bind', source: '/', readonly: 'yes' }], /^mounts\[0\]\.readonly: must be true or false, not 'yes'$/],
    [[{ type: 'bind', source: '' }], /^mounts\[0\]\.source: must be a path, not empty$/],
    [[{ type: 'ro-bind', source: '/' }], /^mounts\[0\]\.type: must be one of bind, /],
    [[{ target: '/a' }], /^mounts\[0\]\.type: must be one of .*, not undefined$/],
    [[{ type: 'constructor' }], /^mounts\[0\]\.type/],
    [[null], /^mounts\[0\]: must be an object, not null$/],
  ]
  for (const [mounts, message] of mistakes) {
    assert.throws(
      () => box({ mounts } as object),
      (error: unknown) => error instanceof UsageError && message.test(error.message),
      JSON.stringify(mounts),
    )
  }
})

test('messages about options name the keys of the object', () => {
  assert.throws(() => box({ roBind: '/a:/b:ro' }), /^roBind: /)
  assert.throws(() => box({ mapRoot: true, user: 1 }), /^mapRoot and user: /)
  assert.throws(() => box({ timeout: 5000 } as object), /^timeout: must be text such as '10s', not 5000$/)
  assert.throws(() => box({ statusFd: 3 } as object), /^unknown option statusFd/)
  assert.throws(() => box({ env: { A: 1 } } as object), /^env\.A: must be text, not 1$/)
  assert.throws(() => box({ env: { 'A=B': '1' } }), /^env: 'A=B' can't be the name/)
  assert.throws(() => box([] as object), /^options: must be an object/)
})

test('mounts keep the order in which they stand', () => {
  const plan = box({
    mounts: [
      { type: 'tmpfs', target: '/a' },
      { type: 'dir', target: '/a/b' },
    ],
    tmpfs: ['/c', '/d:size=1m'],
  }).plan(['true'])
  const targets = (plan.mounts ?? [])
    .map(({ target }) => target)
    .filter((target) => target.length < 5 && target !== '/dev' && target !== '/sys')
  assert.equal(targets, ['/a', '/a/b', '/c', '/d'])
})

test(
  'with adds to a box and leaves the first as it was',
  inRoot(async (root) => {
    const plain = box({ root, env: { A: '1' } })
    const narrower = plain.with({ net: 'none', env: { B: '2' } })
    const count = async (b: typeof plain) =>
      (await b.run(['sh', '-c', 'ls /proc/sys/net/ipv4/conf | wc -l; echo $A$B'])).stdout.trim().split('\n')
    assert.is((await count(narrower))[1], '12')
    assert.is((await count(plain))[1], '1')
  }),
)

test('with adds to lists, replaces single values, and removes options that are false', () => {
  const first = box({ capDrop: 'all', ulimit: ['core=0'], tmpfs: '/a', ro: true, hostname: 'one', userns: true })
  const plan = first.with({ capAdd: 'chown', ulimit: 'cpu=60', tmpfs: '/b', ro: false, hostname: 'two' }).plan(['true'])
  assert.equal(
    [plan.process.capabilities, plan.hostname, plan.root?.options?.includes('ro')],
    [['chown'], 'two', false],
  )
  assert.equal(
    plan.process.limits?.map(({ resource }) => resource),
    ['core', 'cpu'],
  )
  assert.equal(
    plan.mounts?.filter(({ type }) => type === 'tmpfs').map(({ target }) => target),
    ['/a', '/b'],
  )
  assert.equal(
    first.plan(['true']).process.limits?.map(({ resource }) => resource),
    ['core'],
  )
})

test(
  'a timeout ends all that runs in the box',
  inRoot(async (root) => {
    const result = await box({ root }).run(['sh', '-c', 'trap "" TERM; echo started; sleep 1000'], { timeout: 500 })
    assert.is(result.timedOut, true)
    assert.is(result.stdout, 'started\n')
  }),
)

test(
  'an aborted signal rejects with its reason',
  inRoot(async (root) => {
    const controller = new AbortController()
    const running = box({ root }).run(['sleep', '1000'], { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), 100)
    await running.then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, 'enough'),
    )
  }),
)

test(
  'output beyond maxBuffer ends the box',
  inRoot(async (root) => {
    await box({ root })
      .run(['yes'], { maxBuffer: 100000 })
      .then(
        () => assert.unreachable(),
        (error: Error) => assert.match(error.message, 'maxBuffer'),
      )
  }),
)

test(
  'a mebibyte goes through standard input and output unharmed',
  inRoot(async (root) => {
    const input = Buffer.alloc(1 << 20, 'nsbox ').toString()
    assert.ok((await box({ root }).run(['cat'], { input })).stdout === input)
  }),
)

test(
  'spawnSync gives what child_process gives',
  inRoot(async (root) => {
    const result = box({ root }).spawnSync('cat', [], { input: 'hello' })
    assert.is(String(result.stdout), 'hello')
    assert.is(result.status, 0)
    assert.instance(box({ root }).spawnSync('nowhere').error, SandboxError)
  }),
)

test(
  'zx runs its commands in the box, in pipes with others that are not',
  inRoot(async (root) => {
    const b = box({ root })
    const $ = zx({
      spawn: b.spawn,
      spawnSync: b.spawnSync,
      shell: '/bin/sh',
      prefix: '',
      verbose: false,
    } as object) as unknown as typeof zx
    const name = 'a b\'c"d$e'
    assert.is((await $`echo ${name}; ls /`).stdout, `${name}\nbin\ndev\nproc\ntmp\n`)
    assert.is((await $`cat /etc/hostname`.nothrow()).exitCode, 1)
    assert.is((await $`printf 'b\na\n'`.pipe(zx({ verbose: false })`sort`)).stdout, 'a\nb\n')
    const sync = zx({
      spawnSync: b.spawnSync,
      shell: '/bin/sh',
      prefix: '',
      sync: true,
    } as object) as unknown as typeof zx.sync
    assert.is(sync`echo sync`.stdout, 'sync\n')
  }),
)

test(
  'no descriptor stays open',
  inRoot(async (root) => {
    const b = box({ root })
    await b.run(['true'])
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for (let i = 0; i < 20; i++) await b.run(['true'])
    await Promise.all(Array.from({ length: 20 }, () => b.run(['true'])))
    // The runtime closes its ends of pipes a little later, but leaks of 40 boxes would stay.
    for (let tries = 0; tries < 100 && open() > before; tries++) await Bun.sleep(20)
    assert.ok(open() <= before + 2, `${before} descriptors became ${open()}`)
  }),
)

test.run()
