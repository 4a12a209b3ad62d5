/** The host's view in a root of its own: resolv.conf, hosts, hostname, and the local time on request. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError, UsageError } from '../../src/errors.ts'
import type { Options } from '../../src/options/types.ts'
import { hostFileMounts } from '../../src/planner/host-files.ts'
import type { Mount, Root } from '../../src/plan/types.ts'

type Files = Record<string, string | { link: string }>
const NAME = '/proc/sys/kernel/hostname'
const UPSTREAM = '/run/systemd/resolve/resolv.conf'
const FILES: Files = {
  '/etc/resolv.conf': 'nameserver 192.0.2.1\n',
  '/etc/hosts': '127.0.0.1 localhost\n127.0.1.1 here here.example\n',
  [NAME]: 'here\n',
}

function hostWith(files: Files) {
  const at = (path: string): string | undefined => {
    const found = files[path]
    return typeof found === 'object' ? (files[found.link] as string | undefined) : found
  }
  return {
    read: (path: string) => {
      const text = at(path)
      return text === undefined ? { code: 'ENOENT' } : { text }
    },
    look: (path: string) => (at(path) === undefined ? { code: 'ENOENT' } : ('other' as const)),
    isLink: (path: string) => typeof files[path] === 'object',
  }
}

const DIRECTORY: Root = { type: 'directory', path: '/r' }
const IMAGE: Root = { type: 'layers', lowers: ['/c/host-files', '/c/1'], image: 'x' }

function mounts(options: Options, files: Files = FILES, root = DIRECTORY, requested: Mount[] = []): Mount[] {
  const { hostFiles } = options
  return hostFileMounts(
    root === IMAGE ? options : { hostFiles: hostFiles ?? true, ...options },
    root,
    requested,
    hostWith(files),
    root === IMAGE,
  )
}

const one = (target: string, options: Options, files: Files = FILES) =>
  mounts(options, files).find((mount) => mount.target === target)

test('the three files are mounts that name what the host has, so that a stored plan shows the host as it is then', () => {
  const all = [
    { type: 'file', source: '/etc/resolv.conf', target: '/etc/resolv.conf' },
    { type: 'file', source: '/etc/hosts', target: '/etc/hosts' },
    { type: 'file', source: NAME, target: '/etc/hostname' },
  ]
  assert.equal(mounts({}), all)
  assert.equal(mounts({}, FILES, IMAGE), all)
  assert.equal(mounts({ hostFiles: false }, FILES, IMAGE), [])
})

test("the box's name is among the hosts, whether it is the host's or its own", () => {
  assert.equal(one('/etc/hosts', { hostname: 'box' }), {
    type: 'file',
    source: '/etc/hosts',
    target: '/etc/hosts',
    text: '127.0.1.1 box\n',
  })
  assert.equal(one('/etc/hostname', { hostname: 'box' }), { type: 'file', target: '/etc/hostname', text: 'box\n' })
  assert.is('text' in (one('/etc/hosts', { hostname: 'here.example' }) ?? {}), false)
  const bare = one('/etc/hosts', {}, { ...FILES, '/etc/hosts': '127.0.0.1 localhost # here' })
  assert.equal(bare, { type: 'file', source: '/etc/hosts', target: '/etc/hosts', text: '\n127.0.1.1 here\n' })
  assert.equal(one('/etc/hosts', {}, { [NAME]: 'here\n' }), {
    type: 'file',
    target: '/etc/hosts',
    text: '127.0.0.1 localhost\n::1 localhost\n127.0.1.1 here\n',
  })
})

test("a server on the host's loopback is kept on the host's network, and replaced by those behind it on another", () => {
  const stub = {
    ...FILES,
    '/etc/resolv.conf': 'nameserver 127.0.0.53\noptions edns0\n',
    [UPSTREAM]: 'nameserver 192.0.2.9\n',
  }
  const source = (options: Options, files: Files) =>
    (one('/etc/resolv.conf', options, files) as { source?: string }).source
  assert.is(source({}, stub), '/etc/resolv.conf')
  assert.is(source({ net: 'host' }, stub), '/etc/resolv.conf')
  assert.is(source({ net: 'none' }, stub), UPSTREAM)
  assert.is(
    source({ net: 'none' }, { ...stub, '/etc/resolv.conf': 'nameserver 127.0.0.1\nnameserver 192.0.2.1\n' }),
    '/etc/resolv.conf',
  )
  const { [UPSTREAM]: _, ...without } = stub
  assert.is(source({ net: 'none' }, without), '/etc/resolv.conf')
  assert.is(source({}, { [NAME]: 'here\n' }), undefined)
})

test('what a mount of the command line shows there stays', () => {
  const targets = (requested: Mount[]) => mounts({}, FILES, DIRECTORY, requested).map(({ target }) => target)
  assert.equal(targets([{ type: 'bind', source: '/x', target: '/etc/hosts' }]), ['/etc/resolv.conf', '/etc/hostname'])
  assert.equal(targets([{ type: 'tmpfs', target: '/etc' }]), [])
  assert.equal(targets([{ type: 'symlink', to: 'x', target: '/etc/hostname' }]), ['/etc/resolv.conf', '/etc/hosts'])
  assert.is(
    targets([
      { type: 'dir', target: '/etc' },
      { type: 'tmpfs', target: '/et' },
    ]).length,
    3,
  )
})

test('--no-follow takes the content of a link that nsbox itself names', () => {
  const linked = { ...FILES, '/etc/resolv.conf': { link: '/run/x' }, '/run/x': 'nameserver 192.0.2.7\n' }
  assert.equal(one('/etc/resolv.conf', { noFollow: true }, linked), {
    type: 'file',
    target: '/etc/resolv.conf',
    text: 'nameserver 192.0.2.7\n',
  })
  assert.is('source' in (one('/etc/resolv.conf', {}, linked) ?? {}), true)
})

test('the local time comes on request, and never hides the file of a zone', () => {
  const zone = { ...FILES, '/etc/localtime': { link: '/usr/share/zoneinfo/A' }, '/usr/share/zoneinfo/A': 'TZif' }
  const file = { type: 'file', source: '/etc/localtime', target: '/etc/localtime' }
  assert.equal(one('/etc/localtime', { hostFiles: 'localtime' }, zone), file)
  assert.is(one('/etc/localtime', {}, zone), undefined)
  assert.equal(mounts({ hostFiles: 'localtime' }, { ...zone, '/c/1/etc/localtime': { link: 'x' } }, IMAGE).at(-1), file)
  const linked = { ...zone, '/r/etc/localtime': { link: 'x' } }
  assert.throws(
    () => mounts({ hostFiles: 'localtime' }, linked),
    (error: unknown) => error instanceof SandboxError && error.path === '/r/etc/localtime',
  )
  assert.throws(
    () => mounts({ hostFiles: 'localtime' }),
    (error: unknown) => error instanceof SandboxError && error.code === 'ENOENT' && error.path === '/etc/localtime',
  )
})

test('the options are refused where they would do nothing', () => {
  const refused = (options: Options, root: Root) =>
    assert.throws(
      () => mounts(options, FILES, root),
      (error: unknown) => error instanceof UsageError,
    )
  refused({ hostFiles: false }, DIRECTORY)
  refused({ hostFiles: true }, { type: 'directory', path: '/' })
  refused({ hostFiles: true }, { type: 'layers', lowers: ['/'] })
})

test.run()
