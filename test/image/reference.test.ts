// runs once
/** References to images, as text and as what they mean. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../../src/errors.ts'
import type { Looked } from '../../src/host/types.ts'
import { readReferences, referenceText, type RegistryReference } from '../../src/image/reference.ts'

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`

function host(files: readonly string[] = [], registries?: string) {
  return {
    uid: 1000,
    cwd: '/work',
    variable: (name: string) => (name === 'HOME' ? '/home/me' : undefined),
    look: (path: string): Looked => (files.includes(path) ? 'other' : { code: 'ENOENT' }),
    read: (path: string) =>
      registries !== undefined && path === '/home/me/.config/nsbox/registries'
        ? { text: registries }
        : { code: 'ENOENT' },
  }
}

const read = (text: string, files?: string[], registries?: string) => readReferences(text, host(files, registries))
function refused(text: string, files?: string[], registries?: string): string {
  try {
    read(text, files, registries)
  } catch (error) {
    assert.instance(error, UsageError)
    return `${(error as UsageError).message}\n${(error as UsageError).hint}`
  }
  throw new Error(`not refused: ${text}`)
}

test('a name in a registry has a host with a dot or a port, or localhost, and a tag of its own or "latest"', () => {
  const rows: [string, string, string, string | undefined, string?][] = [
    ['registry.example/app', 'registry.example', 'app', 'latest'],
    ['registry.example:5000/team/app:1.0', 'registry.example:5000', 'team/app', '1.0'],
    ['localhost/app', 'localhost', 'app', 'latest'],
    ['[::1]:5000/app:x', '[::1]:5000', 'app', 'x'],
    [`registry.example/app@${DIGEST}`, 'registry.example', 'app', undefined, DIGEST],
    [`registry.example/app:1@${DIGEST}`, 'registry.example', 'app', '1', DIGEST],
    ['docker://registry.example/a/b__c-d.e', 'registry.example', 'a/b__c-d.e', 'latest'],
  ]
  for (const [text, registry, name, tag, digest] of rows) {
    const [found, ...more] = read(text)
    assert.equal(more, [])
    assert.equal(
      found as RegistryReference,
      {
        kind: 'registry',
        host: registry,
        name,
        ...(tag !== undefined && { tag }),
        ...(digest !== undefined && { digest }),
      },
      text,
    )
    const again = found === undefined ? '' : referenceText(found)
    assert.equal(read(again), [found], again)
  }
})

test('what is no name in a registry is refused, with what is wrong in it', () => {
  const rows: [string, RegExp][] = [
    ['', /empty reference/],
    ['registry.example/App', /capital letters/],
    ['registry.example/', /the name is missing/],
    ['registry.example/a//b', /is not a name/],
    ['registry.example/../etc', /is not a name/],
    ['registry.example/a:', /is not a tag/],
    ['registry.example/a:b/c', /is not a tag/],
    ['registry.example/a:../x', /is not a tag/],
    ['registry.example/a@sha256:abc', /64 hexadecimal/],
    [`registry.example/a@md5:${'0'.repeat(64)}`, /64 hexadecimal/],
    [`registry.example/a@${DIGEST.toUpperCase()}`, /64 hexadecimal/],
    ['http://registry.example/a', /is not HOST|is not a/],
    ['user@registry.example/a', /./],
    ['-x.example/a', /is not HOST/],
    [`registry.example/${'a'.repeat(256)}`, /longer than 255/],
    ['registry.example/a\n:b', /is not a name/],
    ['registry.example/a\0', /no NUL/],
  ]
  for (const [text, message] of rows) assert.match(refused(text), message, text)
})

test('a short name is an error that says how to write it in full', () => {
  assert.match(
    refused('debian:12'),
    /'debian:12' is a short name: .*\nwrite HOST\/debian, or name default registries in \/home\/me\/.config\/nsbox\/registries/,
  )
  assert.match(refused('docker://debian'), /short name/)
  assert.match(
    refused('live.iso'),
    /'live\.iso': there is no such file\nlooked for \/\S*live\.iso; docker:\/\/HOST\/live\.iso /,
  )
  assert.match(refused('docker://live.iso'), /short name/)
  assert.match(refused('team/app'), /short name/)
})

test('a line NAME = HOST says where a registry really is', () => {
  const registries = 'hub.example = mirror.example:5000/hub\nhub.example:1=other.example # another port'
  assert.equal(read('hub.example/team/app:1', [], registries).map(referenceText), [
    'mirror.example:5000/hub/team/app:1',
  ])
  assert.equal(read('hub.example:1/app', [], registries).map(referenceText), ['other.example/app:latest'])
  assert.equal(read('mirror.example:5000/app', [], registries).map(referenceText), ['mirror.example:5000/app:latest'])
  assert.match(refused('debian', [], registries), /short name/)
  for (const line of ['= x', 'a b = x', 'x =', 'x = y z', 'x/y = z.example'])
    assert.throws(() => read('x.example/app', [], line), /line 1 is not HOST/, line)
})

test("a short name goes to the registries of the caller's own file, in its order", () => {
  const registries = '# mine\nregistry.example/library # with a prefix\n\nother.example:5000\n'
  assert.equal(read('debian:12', [], registries).map(referenceText), [
    'registry.example/library/debian:12',
    'other.example:5000/debian:12',
  ])
  assert.equal(read('full.example/app', [], registries).length, 1)
})

test('a file of the caller stands for an image only where no image in a registry could be meant', () => {
  assert.equal(read('app.tar', ['/work/app.tar']), [{ kind: 'local', path: '/work/app.tar' }])
  assert.equal(read('images/app.tar', ['/work/images/app.tar']), [{ kind: 'local', path: '/work/images/app.tar' }])
  assert.match(refused('registry.example/app', ['/work/registry.example/app']), /may mean a file here, or an image/)
  assert.match(refused('debian', ['/work/debian'], 'registry.example'), /\.\/debian is the file, docker:\/\/debian/)
})

test('a path is one by its beginning, whether it is there or not', () => {
  for (const [text, path] of [
    ['./a', '/work/a'],
    ['../a:b', '/work/../a:b'],
    ['/a/b@c', '/a/b@c'],
    ['.', '/work'],
  ] as const)
    assert.equal(read(text), [{ kind: 'local', path }])
})

test('a prefix says what lies at a path; where an archive may hold several images, a name can follow', () => {
  const rows: [string, object][] = [
    ['dir:r', { format: 'dir', path: '/work/r' }],
    ['tar:/a:b', { format: 'tar', path: '/a:b' }],
    ['iso:/a', { format: 'iso', path: '/a' }],
    ['oci:/a:v1', { format: 'oci', path: '/a', image: 'v1' }],
    ['oci:/a\\:b:v1', { format: 'oci', path: '/a:b', image: 'v1' }],
    ['docker-archive:a.tar:app:1', { format: 'docker-archive', path: '/work/a.tar', image: 'app:1' }],
    ['oci-archive:a', { format: 'oci-archive', path: '/work/a' }],
  ]
  for (const [text, expected] of rows) {
    const [found] = read(text)
    assert.equal(found, { kind: 'local', ...expected } as never, text)
    assert.equal(read(found === undefined ? '' : referenceText(found)), [found])
  }
  assert.match(refused('oci:'), /no path/)
  assert.match(refused('oci:/a:'), /no name/)
})

test.run()
