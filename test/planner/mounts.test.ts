/** Options become roots and mounts, on made-up machines. */
import { procView } from '../../src/planner/masked-paths.ts'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from '../helpers/command.ts'
import type { HostFacts } from '../../src/host/types.ts'
import { buildPlan } from '../../src/planner/build.ts'
import type { Options } from '../../src/options/types.ts'
import { coveredMounts, coveredText } from '../../src/planner/covered.ts'
import { validatePlan } from '../../src/plan/validate.ts'
import { host, mountsOf, plan, ROOT, targets } from './machine.ts'

test('a root is absolute, and gets the mounts for whose targets it has directories', () => {
  assert.equal(plan({ root: 'r' }).root, { type: 'directory', path: '/home/me/r', options: ['nosuid', 'nodev'] })
  assert.equal(targets({ root: 'r' }), ['proc /proc'])
  assert.equal(targets({ root: '/bare' }), [])
})

test('the root of an image is its layers, with a /proc, a /dev and the files of the host, and a directory to start in', () => {
  const image = { image: 'host/app@sha256:0', lowers: ['/c/host-files', '/c/1'], cwd: '/srv' }
  const of = (options: Options) => buildPlan(options, ['cmd'], host(), image)
  assert.equal(of({}).root, { type: 'layers', lowers: image.lowers, image: image.image, options: ['nosuid', 'nodev'] })
  const scratch = (options: Options) => buildPlan(options, ['cmd'], host(), { ...image, scratch: '/c/changes' }).root
  assert.equal(scratch({}), { ...of({}).root, scratch: '/c/changes' })
  assert.equal(scratch({ overlay: '/state' }), of({ overlay: '/state' }).root)
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

test.run()
