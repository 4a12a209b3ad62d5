/** Options become plans, on made-up machines. */
import { procView } from '../../src/planner/masked-paths.ts'
import { DEFAULT_FILTERS } from '../../src/seccomp/filters.ts'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { OPTIONS } from '../../src/options/rows.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { parse } from '../helpers/command.ts'
import { SandboxError, UsageError } from '../../src/errors.ts'
import type { HostFacts, Looked } from '../../src/host/types.ts'
import { buildPlan } from '../../src/planner/build.ts'
import type { Options } from '../../src/options/types.ts'
import { coveredMounts, coveredText } from '../../src/planner/covered.ts'
import { validatePlan } from '../../src/plan/validate.ts'

const DIRECTORIES = ['/', '/proc', '/dev', '/home/me', '/home/me/r', '/home/me/r/proc', '/bare', '/state', '/src']
const FILES: Record<string, string> = {
  '/src/file': '',
  '/vars': '# c\nA=1\n\nB=x=y\n',
  '/bad-vars': 'A=1\nnonsense\n',
  '/etc/subuid': 'me:100000:65536\n',
  '/etc/subgid': '1000:200000:65536\n',
  '/proc/self/uid_map': '0 0 4294967295\n',
  '/proc/self/gid_map': '0 0 4294967295\n',
}

function host(facts: Partial<HostFacts> = {}): HostFacts {
  const look = (path: string): Looked =>
    DIRECTORIES.includes(path) ? 'directory' : path in FILES ? 'other' : { code: 'ENOENT' }
  return {
    uid: 1000,
    gid: 1000,
    variable: (name) => (name === 'HOME' ? '/home/me' : undefined),
    cwd: '/home/me',
    env: { HOME: '/home/me', SECRET: 's' },
    look,
    read: (path) => (path in FILES ? { text: FILES[path] ?? '' } : { code: 'ENOENT' }),
    userName: () => 'me',
    isLink: () => false,
    machine: 'x64',
    changed: () => ({ signals: ['PIPE', 'XFSZ'] }),
    ...facts,
  }
}

const ROOT = { uid: 0, gid: 0, userName: () => 'root' }
const plan = (options: Options, facts?: Partial<HostFacts>) => buildPlan(options, ['cmd', 'arg'], host(facts))
/** The mounts without the masks of /proc and /sys, and without the stash for pins. */
const mountsOf = (options: Options) =>
  (plan(options).mounts ?? []).filter((mount) => !('kernel' in mount) && mount.type !== 'stash')
const targets = (options: Options) => mountsOf(options).map(({ type, target }) => `${type} ${target}`)

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
  'dev-bind': '/src:/x',
  tmpfs: '/x',
  proc: '/x',
  dev: '/x',
  dir: '/x',
  mask: '/x',
  symlink: 'a:/x',
  file: '/src/file:/x',
  share: 'ipc',
  net: 'none',
  hostname: 'h',
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

/** They change the box of an image alone. */
const OF_IMAGES = [
  'image',
  'platform',
  'entrypoint',
  'trust-image',
  'pull',
  'insecure',
  'no-host-files',
  'no-fake-root',
]

for (const option of OPTIONS.filter(({ name }) => !OF_IMAGES.includes(name))) {
  test(`--${option.name} changes the plan`, () => {
    const word =
      option.value === undefined || option.alone !== undefined
        ? [`--${option.name}`]
        : [`--${option.name}`, VALUES[option.name] ?? (assert.unreachable(`no value for ${option.name}`) as never)]
    const command = parse([...word, 'cmd', 'arg'])
    if (command.verb !== 'run') throw new Error(command.verb)
    // Built for root, which has capabilities to lose and a user namespace to gain.
    const facts = option.name === 'map-auto' ? {} : ROOT
    // Built for an empty root, which gets a /dev only if the option asks for it, or where files of the root are looked
    // at, for the host's.
    const root = option.name === 'fake-root' ? '/' : '/bare'
    assert.not.equal(buildPlan({ root, ...command.options }, command.argv, host(facts)), plan({ root }, facts))
  })
}

test('few options belong to one verb only', () =>
  assert.equal(
    Object.entries(ROWS)
      // The verb image makes no box.
      .flatMap(([verb, { own = [] }]) => (verb === 'image' ? [] : own))
      .map(({ name }) => name),
    ['plan', 'output', 'relative', 'force', 'by', 'with', 'without', 'output', 'dry-run', 'json', 'quiet', 'json'],
  ))

test('a root is absolute, and gets the mounts for whose targets it has directories', () => {
  assert.equal(plan({ root: 'r' }).root, { type: 'directory', path: '/home/me/r', options: ['nosuid', 'nodev'] })
  assert.equal(targets({ root: 'r' }), ['proc /proc'])
  assert.equal(targets({ root: '/bare' }), [])
})

test('the root of an image is its layers, with a /proc, a /dev and the files of the host, and a directory to start in', () => {
  const image = { image: 'host/app@sha256:0', lowers: ['/c/host-files', '/c/1'], cwd: '/srv' }
  const of = (options: Options) => buildPlan(options, ['cmd'], host(), image)
  assert.equal(of({}).root, { type: 'layers', lowers: image.lowers, image: image.image, options: ['nosuid', 'nodev'] })
  const shown = (options: Options) =>
    of(options).mounts?.flatMap((mount) => ('kernel' in mount ? [] : [`${mount.type} ${mount.target}`]))
  const own = ['file /etc/resolv.conf', 'file /etc/hosts', 'file /etc/hostname']
  assert.equal(shown({}), ['proc /proc', 'dev /dev', ...own])
  assert.equal(shown({ hostFiles: false }), ['proc /proc', 'dev /dev'])
  assert.equal(
    [of({}).process.cwd, of({}).process.cwdFallback, of({ cwd: '/x' }).process.cwd],
    ['/home/me', '/srv', '/x'],
  )
  assert.equal(of({ overlay: '/state', ro: true }).root as { state?: string; options?: string[] }, {
    type: 'layers',
    lowers: image.lowers,
    image: image.image,
    options: ['ro', 'nosuid', 'nodev'],
    state: '/state',
  })
  assert.equal(validatePlan(JSON.parse(JSON.stringify(of({})))), of({}))
})

test('with --nest a box has a user namespace, and the outer /proc read-only, even with an option for a /proc', () => {
  const PROC = { type: 'bind', source: '/proc', target: '/proc', options: ['ro', 'nosuid', 'nodev', 'noexec'] }
  for (const facts of [{}, ROOT]) {
    const nested = plan({ nest: true }, facts)
    assert.equal(nested.mounts?.[0], PROC)
    assert.ok(nested.namespaces.includes('user') && nested.namespaces.includes('pid'))
    assert.equal(nested.mounts?.slice(1, 1 + procView('/proc').length), procView('/proc'))
    assert.equal(
      plan({ nest: true, root: 'r', mounts: [{ type: 'proc', target: '/x' }] }, facts)
        .mounts?.filter(({ type }) => type === 'bind')
        .map(({ target }) => target),
      ['/proc', '/x'],
    )
  }
})

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

test('a mount of an option replaces a default mount', () => {
  assert.equal(
    targets({
      mounts: [
        { type: 'tmpfs', target: '/proc' },
        { type: 'bind', source: '/dev', devices: true },
      ],
    }),
    ['tmpfs /proc', 'bind /dev'],
  )
})

test('a target is absolute and clean, whatever was typed; a source keeps the component before ".."', () => {
  const all: HostFacts['look'] = () => 'directory'
  const made = (source: string) =>
    (plan({ root: '/bare', mounts: [{ type: 'bind', source }] }, { look: all, cwd: '/tmp/w' }).mounts ?? []).at(-1)
  for (const [typed, source, target] of [
    ['.', '/tmp/w/.', '/tmp/w'],
    ['./src', '/tmp/w/./src', '/tmp/w/src'],
    ['a/../b', '/tmp/w/a/../b', '/tmp/w/b'],
    ['../w', '/tmp/w/../w', '/tmp/w'],
    ['src//', '/tmp/w/src//', '/tmp/w/src'],
    ['../../../..', '/tmp/w/../../../..', '/'],
    ['.git', '/tmp/w/.git', '/tmp/w/.git'],
    ['..a/b.', '/tmp/w/..a/b.', '/tmp/w/..a/b.'],
  ] as const) {
    assert.equal(made(typed), { type: 'bind', source, target, options: ['nosuid', 'nodev'] }, typed)
  }
  assert.equal(
    (plan({ root: '/bare', mounts: [{ type: 'bind', source: '.' }] }, { look: all, cwd: '/' }).mounts ?? []).at(-1),
    { type: 'bind', source: '/.', target: '/', options: ['nosuid', 'nodev'] },
  )
  for (const type of ['tmpfs', 'proc', 'dev', 'dir', 'mask', 'symlink', 'file', 'bind'] as const) {
    const request = { type, target: '/a/./b/..//c/', to: 'x', source: '/src/file' } as never
    assert.is(
      (plan({ root: '/bare', mounts: [request] }).mounts ?? []).find(({ target }) => target.startsWith('/a'))?.target,
      '/a/c',
      type,
    )
  }
})

test('a mount that a later one covers entirely is found, once, and nothing else is', () => {
  const covered = (...words: string[]) => {
    const command = parse([...words, 'cmd'])
    if (command.verb !== 'run') throw new Error(command.verb)
    return coveredMounts(
      buildPlan(
        command.options,
        command.argv,
        host({
          cwd: '/src',
          look: (path) => (path === '/src/file' || path.startsWith('/etc') ? 'other' : 'directory'),
        }),
      ).mounts ?? [],
    ).map(coveredText)
  }
  assert.equal(covered('--bind', '.', '--tmpfs', '/src'), [
    '--bind /src has no effect: the later --tmpfs /src covers it',
  ])
  assert.equal(covered('--dir', '/x/d', '--tmpfs', '/x'), ['--dir /x/d has no effect: the later --tmpfs /x covers it'])
  assert.equal(covered('--bind', 'a/b', '--tmpfs', '/src/', '--mask', '/src'), [
    '--bind /src/a/b has no effect: the later --tmpfs /src covers it',
    '--tmpfs /src has no effect: the later --mask /src covers it',
  ])
  assert.equal(covered('--ro-bind', '/x/a', '--dev-bind', '/x'), [
    '--ro-bind /x/a has no effect: the later --dev-bind /x covers it',
  ])
  assert.equal(
    covered(
      '--dir',
      '/x/d',
      '--symlink',
      'to:/x/l',
      '--file',
      '/src/file:/x/f',
      '--proc=/x/p',
      '--dev=/x/v',
      '--mask',
      '/x/m',
      '--tmpfs',
      '/x',
    ).length,
    6,
  )
  for (const fine of [
    ['--dir', '/x', '--bind', 'b:/x'],
    ['--tmpfs', '/x', '--tmpfs', '/x/y'],
    ['--bind', '.', '--tmpfs', '/src/tmp'],
    ['--tmpfs', '/sr', '--tmpfs', '/src'],
    ['--tmpfs', '/src', '--tmpfs', '/sr'],
    ['--tmpfs', '/x/a', '--dir', '/x'],
    ['--mask', '/home/me', '--bind', '/home/me/p'],
    ['--tmpfs', '/proc', '--dev'],
    ['--proc', '--tmpfs', '/proc/sys'],
    ['--bind', '/sys', '--bind', '/proc'],
  ])
    assert.equal(covered(...fine), [], fine.join(' '))
})

test('directories on the path to a read-only one are pinned, if the box can write there, and no others', () => {
  const all: HostFacts['look'] = () => 'directory'
  const pins = (options: Options) =>
    (plan(options, { look: all }).mounts ?? []).flatMap((mount) =>
      mount.type === 'pin' ? [`${mount.from} ${mount.target}`] : [],
    )
  const bind = (source: string, target?: string): NonNullable<Options['mounts']>[number] => ({
    type: 'bind',
    source,
    ...(target && { target }),
  })
  const ro = (source: string, target?: string): NonNullable<Options['mounts']>[number] => ({
    type: 'bind',
    source,
    readonly: true,
    ...(target && { target }),
  })
  assert.equal(pins({ ro: true, mounts: [bind('/p'), ro('/p/.git/hooks')] }), ['/p /p/.git'])
  assert.equal(pins({ mounts: [ro('/h/p/.git/hooks'), ro('/h/p/.git/config')] }), ['/ /h/p/.git'])
  assert.equal(pins({ mounts: [bind('/h/p'), ro('/h/p/.git/hooks')] }), ['/h/p /h/p/.git', '/ /h'])
  assert.equal(pins({ root: '/bare', mounts: [bind('/h/p', '/w'), ro('/x', '/w/a/b')] }), ['/w /w/a'])
  assert.equal(pins({ root: '/bare', mounts: [ro('/x', '/a/b/c')] }), ['/ /a/b'])
  // The box can't write above it, or only to directories of its own.
  for (const fine of [
    [bind('/p')],
    [bind('/p'), ro('/p/x')],
    [ro('/p'), ro('/p/a/b')],
    [{ type: 'tmpfs', target: '/t' }, ro('/x', '/t/a/b')],
    [bind('/p'), { type: 'mask', target: '/p/a/b' }],
    [bind('/p'), { type: 'tmpfs', target: '/p/a' }, ro('/x', '/p/a/b/c')],
  ] as NonNullable<Options['mounts']>[]) {
    assert.equal(pins({ ro: true, mounts: fine }), [], JSON.stringify(fine))
  }
  assert.equal(pins({ overlay: true, mounts: [ro('/h/p/.git/hooks')] }), [])
  // A later mount hides the stash.
  const types = (plan({ ro: true, mounts: [bind('/p'), ro('/p/.git/hooks')] }, { look: all }).mounts ?? []).map(
    ({ type, target }) => `${type} ${target}`,
  )
  assert.is(types.indexOf('stash /proc') + 1, types.indexOf('proc /proc'))
})

test('a target that is missing directly below /, or anywhere with --ro, gets a view of the directory that lacks it', () => {
  const tmpfs = (...targets: string[]): Options => ({ mounts: targets.map((target) => ({ type: 'tmpfs', target })) })
  const views = (options: Options) => {
    const { root, mounts = [], takeBack } = plan(options)
    return [
      ...(root?.type === 'directory' && root.view ? ['/'] : []),
      ...mounts.flatMap(({ type, target }) => (type === 'view' ? [target] : [])),
      ...(takeBack ? ['goes'] : []),
    ]
  }
  assert.equal(views(tmpfs('/work')), ['/', 'goes'])
  assert.equal(views(tmpfs('/no/such/dir')), ['/', 'goes'])
  assert.equal(views(tmpfs('/home/me/new')), ['goes'])
  assert.equal(views({ ro: true, ...tmpfs('/home/me/new/deep', '/src/x', '/home/me/other') }), [
    '/src',
    '/home/me',
    'goes',
  ])
  assert.equal(views({ ro: true, ...tmpfs('/home/me', '/home/me/new') }), ['goes'])
  assert.equal(views({ root: '/bare', ...tmpfs('/work') }), [])
  assert.equal(views({ overlay: true, ...tmpfs('/work') }), [])
  assert.equal(views({ mounts: [{ type: 'mask', target: '/missing' }] }), ['goes'])
  assert.equal(views({}), [])
})

test("a plan names nsbox's own directories if the box can write to files of the host", () => {
  assert.equal(plan({}, ROOT).own, ['/etc/nsbox', '/var/cache/nsbox', '/var/lib/nsbox', '/run/nsbox'])
  const variables: Record<string, string> = {
    HOME: '/h',
    XDG_CACHE_HOME: '/c/',
    XDG_CONFIG_HOME: 'relative',
    XDG_RUNTIME_DIR: '/r',
  }
  assert.equal(plan({}, { variable: (name) => variables[name] }).own, [
    '/h/.config/nsbox',
    '/c/nsbox',
    '/h/.local/state/nsbox',
    '/r/nsbox',
  ])
  assert.is(plan({ ro: true }).own, undefined)
  assert.is(plan({ overlay: true, mounts: [{ type: 'bind', source: '/src', readonly: true }] }).own, undefined)
  assert.is(plan({ ro: true, mounts: [{ type: 'bind', source: '/src' }] }).own?.length, 4)
})

test('the masks of /proc come with every /proc, except in a privileged box', () => {
  const hidden = (options: Options) =>
    (plan(options).mounts ?? []).filter(({ type }) => type === 'mask').map(({ target }) => target)
  assert.ok(hidden({}).includes('/proc/kcore'))
  assert.ok(hidden({ mounts: [{ type: 'proc', target: '/p/' }] }).includes('/p/kcore'))
  assert.ok(hidden({ share: ['pid'] }).includes('/proc/kcore'))
  assert.equal(hidden({ privileged: true }), [])
})

test('binds have their options', () => {
  const [, , writable, readonly, devices] = mountsOf({
    mounts: [
      { type: 'bind', source: '/src' },
      { type: 'bind', source: '/src', target: '/x', readonly: true },
      { type: 'bind', source: '/src', devices: true },
    ],
  })
  assert.equal(writable, { type: 'bind', source: '/src', target: '/src', options: ['nosuid', 'nodev'] })
  assert.equal(readonly, { type: 'bind', source: '/src', target: '/x', options: ['ro', 'nosuid', 'nodev'] })
  assert.equal(devices, { type: 'bind', source: '/src', target: '/src', options: ['nosuid'] })
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
  assert.throws(() => plan({ mapAuto: true }, { userName: () => 'other', uid: 2000 }), /no range of ids for other/)
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
