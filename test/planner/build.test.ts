/** Options become plans, on made-up machines. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { OPTIONS } from '../../src/options/rows.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { parse } from '../helpers/command.ts'
import { SandboxError, UsageError } from '../../src/errors.ts'
import type { HostFacts } from '../../src/host/types.ts'
import { buildPlan } from '../../src/planner/build.ts'
import { procView } from '../../src/planner/masked-paths.ts'
import { DEFAULT_FILTERS } from '../../src/seccomp/filters.ts'
import type { Options } from '../../src/options/types.ts'
import { validatePlan } from '../../src/plan/validate.ts'
import { host, FILES, mountsOf, plan, ROOT } from './machine.ts'

test('a command without options gets the defaults', () => {
  assert.equal(plan({}), {
    contract: 2,
    namespaces: ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup'],
    idmap: {
      by: 'self',
      uid: [{ inside: 1000, outside: 1000, count: 1 }],
      gid: [{ inside: 1000, outside: 1000, count: 1 }],
    },
    root: { type: 'directory', path: '/', options: ['nosuid', 'nodev'] },
    mounts: [
      { type: 'stash', target: '/proc' },
      { type: 'proc', target: '/proc', options: ['nosuid', 'nodev', 'noexec'] },
      ...procView('/proc'),
      { type: 'dev', target: '/dev' },
    ],
    own: ['/home/me/.config/nsbox', '/home/me/.cache/nsbox', '/home/me/.local/state/nsbox', '/run/user/1000/nsbox'],
    process: {
      argv: ['cmd', 'arg'],
      env: { inherit: true },
      cwd: '/home/me',
      cwdOfHost: true,
      seccomp: { from: 'default', filter: DEFAULT_FILTERS.x64[0]?.filter ?? '' },
      noNewPrivs: true,
      landlock: ['abstract', 'signals'],
      resetSignals: ['PIPE', 'XFSZ'],
    },
    supervision: { init: true },
  })
})

test('Landlock closes what no namespace divides, unless an option opens it', () => {
  const scopes = (options: Options) => plan(options).process.landlock
  assert.equal(scopes({ net: 'none' }), ['signals'])
  assert.equal(scopes({ share: ['ipc'] }), ['signals'])
  assert.equal(scopes({ share: ['abstract'] }), ['signals'])
  assert.equal(scopes({ share: ['pid'] }), ['abstract'])
  assert.is(scopes({ share: ['pid', 'ipc'] }), undefined)
  assert.is(scopes({ privileged: true }), undefined)
})

test('every plan that is built is valid', () => {
  const asked: Options[] = [
    {},
    { root: 'r', ro: true },
    { overlay: true },
    { overlay: '/state', root: '/bare' },
    { net: 'none', hostname: 'h' },
    { mapRoot: true },
    { mapAuto: true },
    { user: { user: 5 } },
    { clearEnv: true, env: [{ type: 'pass', name: 'SECRET' }] },
    { share: ['pid', 'ipc', 'uts', 'cgroup'] },
    {
      mounts: [
        { type: 'bind', source: '/src' },
        { type: 'tmpfs', target: '/t', size: 1 },
        { type: 'file', source: '/src/file', target: '/f' },
      ],
    },
  ]
  for (const options of asked) {
    for (const facts of [{}, ROOT])
      if (!(facts === ROOT && options.mapAuto))
        assert.equal(validatePlan(JSON.parse(JSON.stringify(plan(options, facts)))), plan(options, facts))
  }
})

/** A value for each option that takes one. */
const VALUES: Record<string, string> = {
  root: 'r',
  overlay: '',
  bind: '/src:/x',
  'ro-bind': '/src:/x',
  'bind-try': '/src:/x',
  'ro-bind-try': '/src:/x',
  'dev-bind': '/src:/x',
  tmpfs: '/x',
  proc: '/x',
  dev: '/x',
  dir: '/x',
  mask: '/x',
  symlink: 'a:/x',
  file: '/src/file:/x',
  write: '/home/me',
  keep: '/x',
  'write-try': '/home/me',
  'keep-try': '/x',
  hide: '/x',
  'allow-socket': '/x',
  share: 'ipc',
  net: 'none',
  'allow-host': 'a.example',
  publish: '1:2',
  hostname: 'h',
  name: 'n',
  user: '5:6',
  'cap-add': 'net_admin',
  'cap-drop': 'kill',
  seccomp: 'none',
  timeout: '5s',
  memory: '64m',
  cpus: '2',
  pids: '9',
  ulimit: 'nofile=5',
  cwd: '/x',
  env: 'A=1',
  'env-file': '/vars',
  'unset-env': 'SECRET',
  'keep-fd': '3,9',
  argv0: 'zero',
  'status-fd': '3',
}

test('limits of the whole box: a longer period where the kernel takes no quota that small; room for the init', () => {
  assert.equal(plan({ memory: 2 ** 26, cpus: 1.5, pids: 100 }).cgroup, { memory: 2 ** 26, cpuQuota: 150000, pids: 101 })
  assert.equal(plan({ cpus: 0.01 }).cgroup, { cpuQuota: 1000 })
  assert.equal(plan({ cpus: 0.009 }).cgroup, { cpuQuota: 9000, cpuPeriod: 1000000 })
  assert.equal(plan({ cpus: 0.001 }).cgroup, { cpuQuota: 1000, cpuPeriod: 1000000 })
  assert.equal(plan({ pids: 1, init: false }).cgroup, { pids: 1 })
  assert.equal(plan({ pids: 1, share: ['pid'] }).cgroup, { pids: 1 })
  assert.is(plan({}).cgroup, undefined)
})

/** They change the box of an image or a review alone, or stand for other options. */
const OF_IMAGES = [
  // Read before all others: test/cli/profile.test.ts, test/e2e/srt-settings.test.ts.
  'profile',
  'srt-settings',
  // Its directories are made at the start: test/e2e/review.test.ts.
  'changes',
  // Added to the plan of a command that runs now: test/e2e/trace-denied.test.ts.
  'trace-denied',
  'image',
  'platform',
  'entrypoint',
  'trust-image',
  'pull',
  'insecure',
  'no-host-files',
  'no-fake-root',
]

/** Options that stand beside another one. */
const WITH: Readonly<Record<string, readonly string[]>> = {
  'allow-private': ['--allow-host', 'a.example'],
  'check-sni': ['--allow-host', 'a.example'],
}

for (const option of OPTIONS.filter(({ name }) => !OF_IMAGES.includes(name))) {
  test(`--${option.name} changes the plan`, () => {
    const word =
      option.value === undefined || option.alone !== undefined
        ? [`--${option.name}`]
        : [`--${option.name}`, VALUES[option.name] ?? (assert.unreachable(`no value for ${option.name}`) as never)]
    const beside = WITH[option.name] ?? []
    const [without, command] = [beside, [...beside, ...word]].map((words) => parse([...words, 'cmd', 'arg']))
    if (command?.verb !== 'run' || without?.verb !== 'run') throw new Error('not a run')
    // Built for root, which has capabilities to lose and a user namespace to gain.
    const facts = option.name === 'map-auto' ? {} : ROOT
    // Built for an empty root, which gets a /dev only if the option asks for it, or where files of the root are looked
    // at, for the host's.
    const root = option.name === 'fake-root' ? '/' : '/bare'
    assert.not.equal(
      buildPlan({ root, ...command.options }, command.argv, host(facts)),
      plan({ root, ...without.options }, facts),
    )
  })
}

test('few options belong to one verb only', () =>
  assert.equal(
    Object.entries(ROWS)
      // The verb image makes no box.
      .flatMap(([verb, { own = [] }]) => (verb === 'image' ? [] : own))
      .map(({ name }) => name),
    [
      ...['plan', 'no-remember', 'plan', 'brief', 'html', 'json', 'json', 'output', 'relative', 'force'],
      ...[
        'json',
        'quiet',
        ...['json', 'all', 'discard', 'prune', 'only', 'overwrite', 'json', 'quiet'],
        'by',
        'with',
        'without',
        'output',
        'trace',
        'trace-log',
        'check',
        'net',
        'timeout',
        'memory',
        'pids',
        'dry-run',
        'json',
        'quiet',
      ],
      'json',
      'forget',
    ],
  ))

test('root with --nest maps all ids if it may, otherwise its own', () => {
  const withCapabilities = (bits: string) =>
    plan(
      { nest: true },
      {
        ...ROOT,
        read: (path) =>
          path === '/proc/self/status'
            ? { text: `CapEff:\t${bits}\n` }
            : path in FILES
              ? { text: FILES[path] ?? '' }
              : { code: 'ENOENT' },
      },
    ).idmap
  assert.is(withCapabilities('00000000800405fb')?.by, 'parent')
  for (const lacking of ['0000000000000000', '00000000000405fb', '800405bb', '8004057b'])
    assert.equal(withCapabilities(lacking), {
      by: 'self',
      uid: [{ inside: 0, outside: 0, count: 1 }],
      gid: [{ inside: 0, outside: 0, count: 1 }],
    })
})

test("with --share pid an option for a /proc shows the host's /proc", () => {
  assert.equal(
    mountsOf({ share: ['pid'], mounts: [{ type: 'proc', target: '/proc' }] }).find(({ target }) => target === '/proc'),
    { type: 'bind', source: '/proc', target: '/proc', options: ['nosuid', 'nodev', 'noexec'] },
  )
})

test('user namespaces of programs are allowed by a variant of the default filter', () => {
  const { from, filter } = plan({ allowUserns: true }).process.seccomp ?? {}
  assert.is(from, 'default with user namespaces')
  assert.is.not(filter, plan({}).process.seccomp?.filter)
})

test('ids are mapped as far as the caller may map them', () => {
  const ranges = (options: Options, facts?: Partial<HostFacts>) =>
    plan(options, facts).idmap?.uid.map(({ inside, outside, count }) => [inside, outside, count].join(' '))
  assert.equal(ranges({ mapRoot: true }), ['0 1000 1'])
  assert.equal(ranges({ user: { user: 7 } }), ['7 1000 1'])
  assert.equal(ranges({ mapAuto: true }), ['0 1000 1', '1 100000 65536'])
  assert.is(ranges({}, ROOT), undefined)
  assert.equal(ranges({ userns: true }, ROOT), ['0 0 4294967295'])
  assert.is(plan({ mapAuto: true }).idmap?.by, 'helper')
  assert.throws(
    () => plan({ mapAuto: true, user: { user: 65537 } }),
    (error: unknown) => error instanceof UsageError,
  )
  assert.throws(() => plan({ mapAuto: true }, { uid: 2000 }), /no range of ids for 2000/)
  assert.throws(() => plan({ share: ['user'] }), /--share user/)
})

test('root drops its groups, and becomes the user that the options name', () => {
  const { uid, gid, dropGroups } = plan({ user: { user: 5 } }, ROOT).process
  assert.equal({ uid, gid, dropGroups }, { uid: 5, gid: 5, dropGroups: true })
})

test('capabilities are those of root for root, and none for others', () => {
  assert.is(plan({}).process.capabilities, undefined)
  assert.is(plan({}, ROOT).process.capabilities?.length, 13)
  assert.is(plan({ mapRoot: true }).process.capabilities?.length, 13)
  assert.is(plan({ net: 'none' }, ROOT).process.capabilities?.length, 14)
  assert.equal(
    plan(
      {
        capabilities: [
          { type: 'drop', name: 'all' },
          { type: 'add', name: 'bpf' },
        ],
      },
      ROOT,
    ).process.capabilities,
    ['bpf'],
  )
})

test('the environment is inherited, or made from the named variables', () => {
  assert.equal(
    plan({
      env: [
        { type: 'set', name: 'A', value: '1' },
        { type: 'pass', name: 'SECRET' },
      ],
    }).process.env,
    { inherit: true, set: ['A=1'] },
  )
  assert.equal(
    plan({
      clearEnv: true,
      env: [
        { type: 'pass', name: 'SECRET' },
        { type: 'pass', name: 'MISSING' },
        { type: 'file', path: '/vars' },
      ],
    }).process.env,
    { set: ['SECRET=s', 'A=1', 'B=x=y'] },
  )
  const changes: [NonNullable<Options['env']>, Options, unknown][] = [
    [[{ type: 'unset', name: 'SECRET' }], {}, { inherit: true, unset: ['SECRET'] }],
    [
      [
        { type: 'set', name: 'A', value: '1' },
        { type: 'unset', name: 'A' },
        { type: 'unset', name: 'A' },
      ],
      {},
      { inherit: true, unset: ['A'] },
    ],
    [
      [
        { type: 'unset', name: 'A' },
        { type: 'set', name: 'A', value: '2' },
      ],
      {},
      { inherit: true, unset: ['A'], set: ['A=2'] },
    ],
    [
      [
        { type: 'unset', name: 'SECRET' },
        { type: 'pass', name: 'SECRET' },
      ],
      {},
      { inherit: true },
    ],
    [
      [
        { type: 'file', path: '/vars' },
        { type: 'unset', name: 'A' },
      ],
      { clearEnv: true },
      { set: ['B=x=y'] },
    ],
  ]
  for (const [env, more, expected] of changes) assert.equal(plan({ ...more, env }).process.env, expected)
  assert.throws(() => plan({ env: [{ type: 'file', path: '/bad-vars' }] }), /line 2 is not NAME=VALUE/)
})

test('a file that is missing on the host is a failure with its path', () => {
  for (const options of [
    { root: 'nowhere' },
    { overlay: '/nowhere' },
    { mounts: [{ type: 'bind', source: 'nowhere' }] },
  ] as Options[]) {
    assert.throws(
      () => plan(options),
      (error: unknown) =>
        error instanceof SandboxError && error.code === 'ENOENT' && (error.path ?? '').endsWith('/nowhere'),
    )
  }
})

test('a soft limit that was raised is put back', () => {
  const { limits, resetSignals } = plan({}, { changed: () => ({ openFiles: 1024, signals: ['XFSZ'] }) }).process
  assert.equal([limits, resetSignals], [[{ resource: 'nofile', soft: 1024 }], ['XFSZ']])
})

test.run()
