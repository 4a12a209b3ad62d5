/** The cache's directories and files. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import { thisHost } from '../../src/host/bun.ts'
import { mapKind } from '../../src/image/map.ts'
import { imagesDirectory } from '../../src/image/places.ts'
import {
  chainIdsOf,
  ensureDirectory,
  isAbandoned,
  readRecord,
  temporaryName,
  writeRecord,
} from '../../src/image/store.ts'
import { inTemp } from '../helpers/nsbox.ts'

const uid = process.getuid?.() ?? 0
const at = (cache: string | undefined, more: Record<string, string> = {}) => ({
  uid,
  variable: (name: string) => (name === 'NSBOX_CACHE' ? cache : more[name]),
})

test('the cache lies where its variables say, in this order', () => {
  assert.is(imagesDirectory(at('/big/cache/')), '/big/cache/images/v1')
  assert.throws(() => imagesDirectory(at('big')), /NSBOX_CACHE/)
  const user = { uid: 1000 }
  const home = { HOME: '/home/me' }
  assert.is(imagesDirectory({ ...at(undefined, home), ...user }), '/home/me/.cache/nsbox/images/v1')
  assert.is(imagesDirectory({ ...at(undefined, { ...home, XDG_CACHE_HOME: '/c' }), ...user }), '/c/nsbox/images/v1')
  assert.is(imagesDirectory({ ...at(undefined, home), uid: 0 }), '/var/cache/nsbox/images/v1')
  assert.throws(() => imagesDirectory({ ...at(undefined), ...user }), /no directory for the cache/)
})

test(
  "the cache's directories are made for the caller alone",
  inTemp((dir) => {
    const made = ensureDirectory(at(join(dir, 'a/cache')), 'layers/one')
    assert.is(made, join(dir, 'a/cache/images/v1/layers/one'))
    for (let path = made; path !== join(dir, 'a'); path = join(path, '..'))
      assert.is(lstatSync(path).mode & 0o7777, 0o700, path)
    assert.is(ensureDirectory(at(join(dir, 'a/cache')), 'layers/one'), made)
  }),
)

test(
  "a cache that is a link, open to others, or somebody else's is refused",
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    const refusal = (message: RegExp) => {
      try {
        ensureDirectory(at(cache), 'refs')
      } catch (error) {
        assert.instance(error, SandboxError)
        assert.match((error as SandboxError).message, message)
        assert.ok((error as SandboxError).hint)
        return
      }
      assert.unreachable()
    }
    ensureDirectory(at(cache), 'refs')
    chmodSync(join(cache, 'images'), 0o750)
    refusal(/is open to other users: .*\/images$/)
    chmodSync(join(cache, 'images'), 0o700)
    chmodSync(cache, 0o711)
    refusal(/is open to other users: .*\/cache$/)
    chmodSync(cache, 0o700)
    assert.throws(() => ensureDirectory({ ...at(cache), uid: uid + 1 }), /belongs to another user/)
    const other = join(dir, 'other')
    mkdirSync(other, { mode: 0o700 })
    symlinkSync(other, join(dir, 'link'))
    assert.throws(() => ensureDirectory(at(join(dir, 'link'))), /is a link/)
    assert.equal(readdirSync(other), [])
    writeFileSync(join(dir, 'file'), '')
    assert.throws(() => ensureDirectory(at(join(dir, 'file'))), /is not a directory/)
  }),
)

test(
  'a record is written whole, and a broken one counts as missing',
  inTemp((dir) => {
    const path = join(dir, 'a.json')
    assert.is(readRecord(path), undefined)
    writeRecord(path, { a: 1 })
    writeRecord(path, { a: 2 })
    assert.equal(readRecord(path), { a: 2 })
    assert.equal(readdirSync(dir), ['a.json'])
    assert.is(readFileSync(path, 'utf8'), '{"a":2}\n')
    writeFileSync(path, '{"a":')
    assert.is(readRecord(path), undefined)
    assert.throws(() => writeRecord(join(dir, 'missing/a.json'), {}), /write: .*No such file/)
  }),
)

test('what a process is making is told from what a dead one has left', () => {
  const mine = temporaryName()
  assert.is(isAbandoned(mine), false)
  const [, pid, started, end] = mine.split('-')
  assert.is(isAbandoned(`tmp-${pid}-${Number(started) + 1}-${end}`), true)
  assert.is(isAbandoned(`tmp-4194304-${started}-${end}`), true)
  assert.is(isAbandoned('0123'), false)
})

test('chain ids are those of the image specification', () => {
  const [a, b] = [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`]
  assert.equal(chainIdsOf([a]), [a])
  const [first, second] = chainIdsOf([a, b])
  assert.is(first, a)
  assert.is(second, `sha256:${new Bun.CryptoHasher('sha256').update(`${a} ${b}`).digest('hex')}`)
  assert.is.not(chainIdsOf([b, a])[1], second)
})

test('a kind of id map follows the box', () => {
  const root = { ...thisHost(), uid: 0, gid: 0 }
  const user = {
    ...thisHost(),
    uid: 1000,
    gid: 1000,
    read: (path: string) => ({
      text: path === '/etc/passwd' ? 'me:x:1000:1000::/:\nme:x:1001:1000::/:\n' : 'me:100000:65536\n',
    }),
  }
  assert.is(mapKind({}, root).name, 'root')
  assert.is(mapKind({ userns: true }, root).name, 'root')
  assert.is(mapKind({}, root).idmap.by, 'parent')
  for (const options of [{}, { mapRoot: true }, { userns: true }])
    assert.equal(mapKind(options, user), {
      kind: 'one',
      name: 'one',
      idmap: {
        by: 'self',
        uid: [{ inside: 0, outside: 1000, count: 1 }],
        gid: [{ inside: 0, outside: 1000, count: 1 }],
      },
    })
  const auto = mapKind({ mapAuto: true }, user)
  assert.match(auto.name, /^auto-[0-9a-f]{16}$/)
  assert.is(auto.idmap.by, 'helper')
  assert.is.not(mapKind({ mapAuto: true }, { ...user, uid: 1001 }).name, auto.name)
})

test.run()
