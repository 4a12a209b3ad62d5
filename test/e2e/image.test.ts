// seconds: 240
/** Images of archives and layouts come into the cache, in each kind of id map. */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheEnv, image, inspect, leftIn, result, treesOf } from '../helpers/image-cache.ts'
import { asRoot, failure, inTemp, nsbox } from '../helpers/nsbox.ts'
import { dockerArchiveOf, layoutOf, type ImageOf } from '../helpers/oci.ts'
import { tarOf } from '../helpers/tar.ts'

/** Two layers: the second replaces a file, hides two, links to one below, and empties a directory. */
const TWO: ImageOf = {
  name: 'v1',
  config: { User: 'www-data', WorkingDir: '/srv', Env: ['A=1'], Cmd: ['/bin/x'] },
  layers: [
    {
      tar: tarOf([
        { name: 'bin/', type: '5' },
        { name: 'bin/x', content: 'x', mode: 0o4755 },
        { name: 'etc/', type: '5' },
        { name: 'etc/old', content: 'old' },
        { name: 'etc/gone', content: 'gone' },
        { name: 'opt/', type: '5' },
        { name: 'opt/a', content: 'a' },
        { name: 'shut/', type: '5', mode: 0 },
        { name: 'shut/in', content: 'in', uid: 33, gid: 42 },
      ]),
    },
    {
      compress: 'zstd',
      tar: tarOf([
        { name: 'etc/old', content: 'new' },
        { name: 'etc/.wh.gone', content: '' },
        { name: 'bin/y', type: '1', link: 'bin/x' },
        { name: 'opt/.wh..wh..opq', content: '' },
        { name: 'opt/b', content: 'b' },
      ]),
    },
  ],
}

/** Flags of `image pull` for each kind of id map that this user has. */
const KINDS: [string, string[]][] = asRoot
  ? [['root', []]]
  : [
      ['one', []],
      ['auto', ['--map-auto']],
    ]

for (const [kind, flags] of KINDS)
  test(
    `a layout is unpacked layer by layer, and stays (${kind})`,
    inTemp((dir) => {
      layoutOf(join(dir, 'layout'), [TWO])
      const reference = `oci:${dir}/layout:v1`
      assert.is(result(image(dir, 'pull', ...flags, reference)), `${reference}\n`)
      const [low = '', top = ''] = treesOf(dir, reference)
      assert.match(inspect(dir, reference).layers[0]?.unpacked[0]?.ids ?? '', new RegExp(`^${kind}`))
      assert.is(readFileSync(join(low, 'etc/old'), 'utf8'), 'old')
      assert.is(readFileSync(join(top, 'etc/old'), 'utf8'), 'new')
      const gone = lstatSync(join(top, 'etc/gone'))
      assert.ok(gone.isCharacterDevice() && gone.rdev === 0)
      assert.ok(lstatSync(join(top, 'opt/a')).isCharacterDevice())
      assert.is(readFileSync(join(top, 'bin/y'), 'utf8'), 'x')
      assert.is(statSync(join(top, 'bin/y')).ino, statSync(join(top, 'bin/x')).ino)
      if (kind !== 'auto') assert.is(statSync(join(low, 'bin/x')).mode & 0o7777, 0o4755)
      const { ino } = statSync(join(low, 'etc'))
      assert.is(result(image(dir, 'pull', ...flags, reference)), `${reference}\n`)
      assert.is(statSync(join(low, 'etc')).ino, ino)
      assert.equal(inspect(dir, reference).config, {
        env: ['A=1'],
        labels: {},
        cwd: '/srv',
        user: 'www-data',
        cmd: ['/bin/x'],
        architecture: 'amd64',
        os: 'linux',
      })
      assert.match(result(image(dir, 'verify')), /^2 layers, 0 differences\n$/)
      assert.match(result(image(dir, 'ls')), /^REFERENCE .*\noci:.*layout:v1 +linux\/amd64 +[0-9a-f]{12} /)
      assert.match(result(image(dir, 'rm', reference)), /^removed oci:.*\n.* freed\n$/)
      assert.equal(leftIn(dir), [])
      assert.not(existsSync(low))
      assert.is(result(image(dir, 'ls', '--json')), '[]\n')
    }),
  )

test(
  'a saved archive and a layout with the same image give one image',
  inTemp((dir) => {
    layoutOf(join(dir, 'layout'), [TWO])
    writeFileSync(join(dir, 'saved'), dockerArchiveOf(TWO, ['app:1', 'other/app:latest']))
    assert.is(spawnSync('tar', ['-C', join(dir, 'layout'), '-cf', join(dir, 'archive'), '.']).status, 0)
    const ids = [
      `oci:${dir}/layout`,
      `docker-archive:${dir}/saved:app:1`,
      `docker-archive:${dir}/saved:other/app`,
      `oci-archive:${dir}/archive:v1`,
    ].map((reference) => {
      result(image(dir, 'pull', reference))
      return inspect(dir, reference).id
    })
    assert.is(new Set(ids).size, 1)
    assert.is(result(image(dir, 'ls', '--quiet')), `${ids[0]}\n`)
    // One name less leaves the image; the last takes it away.
    assert.match(result(image(dir, 'rm', `oci:${dir}/layout`)), /0 B freed/)
    assert.is(result(image(dir, 'ls', '--quiet')), `${ids[0]}\n`)
    assert.match(result(image(dir, 'rm', ids[0]?.slice(7, 19) ?? '')), /kB freed/)
    assert.is(result(image(dir, 'ls', '--quiet')), '')
  }),
)

test(
  'a plain root is one layer, in which a name that begins with .wh. is a file',
  inTemp((dir) => {
    const tar = tarOf([
      { name: './', type: '5' },
      { name: './etc/', type: '5' },
      { name: './etc/.wh.x', content: 'x' },
    ])
    writeFileSync(join(dir, 'root'), gzipSync(tar))
    result(image(dir, 'pull', `tar:${dir}/root`))
    const [tree = ''] = treesOf(dir, `tar:${dir}/root`)
    assert.is(readFileSync(join(tree, 'etc/.wh.x'), 'utf8'), 'x')
    // The same archive as a layer of an image is another tree.
    layoutOf(join(dir, 'layout'), [{ layers: [{ tar }] }])
    result(image(dir, 'pull', `oci:${dir}/layout`))
    assert.is.not(treesOf(dir, `oci:${dir}/layout`)[0], tree)
  }),
)

test(
  'a file that has changed is another image, and prune removes what it was',
  inTemp((dir) => {
    const write = (text: string) => writeFileSync(join(dir, 'root'), tarOf([{ name: 'a', content: text }]))
    write('one')
    const pulled = () => {
      result(image(dir, 'pull', `tar:${dir}/root`))
      return inspect(dir, `tar:${dir}/root`).id
    }
    const first = pulled()
    write('two!')
    assert.is.not(pulled(), first)
    assert.is(JSON.parse(result(image(dir, 'ls', '--json'))).length, 2)
    assert.match(result(image(dir, 'ls')), /root \(changed\) /)
    assert.match(result(image(dir, 'prune')), /^removed tar:/)
    assert.is(JSON.parse(result(image(dir, 'ls', '--json'))).length, 1)
    assert.match(result(image(dir, 'prune', '--keep', '0')), /^removed tar:/)
    assert.is(result(image(dir, 'ls', '--json')), '[]\n')
  }),
)

test(
  "no box of the cache's owner can write to it, wherever it is",
  inTemp((dir) => {
    writeFileSync(join(dir, 'root'), tarOf([{ name: 'a', content: 'a' }]))
    result(image(dir, 'pull', `tar:${dir}/root`))
    const [tree = ''] = treesOf(dir, `tar:${dir}/root`)
    for (const path of [join(tree, 'a'), join(dir, 'cache/images/v1/refs.json'), join(dir, 'cache/x')]) {
      const { status, stderr } = nsbox(['sh', '-c', 'echo x >"$1"', 'sh', path], { env: cacheEnv(dir) })
      assert.is.not(status, 0)
      assert.match(stderr, /Read-only file system/)
    }
    const moved = nsbox(['mv', join(dir, 'cache'), join(dir, 'other')], { env: cacheEnv(dir) })
    assert.is.not(moved.status, 0)
    assert.is(readFileSync(join(tree, 'a'), 'utf8'), 'a')
  }),
)

test('wrong words say what is right', () => {
  const rows: [string[], RegExp][] = [
    [[], /^nsbox: image: the action is missing\nhint: one of pull, ls,/],
    [['pul'], /unknown: 'pul'\nhint: the nearest is pull/],
    [['pull'], /too few words\nhint: nsbox image pull REF/],
    [['ls', 'x'], /one word too many: 'x'/],
    [['ls', '--keep', '1g'], /--keep: nsbox image ls does not take it/],
    [['prune', '--keep', '1x'], /--keep: size '1x'/],
    [['pull', ''], /empty word ''/],
    [['pull', 'debian'], /is a short name/],
    [['pull', '--platform', 'windows/amd64', 'oci:/x'], /only programs of Linux/],
  ]
  for (const [words, message] of rows) {
    const { status, stderr, stdout } = image('/nonexistent', ...words)
    assert.match(stderr, message, words.join(' '))
    assert.is(status, 2, stderr)
    assert.is(stdout, '')
  }
  failure(image('/nonexistent', 'inspect', 'registry.example/app'), /is not in the cache: registry.example\/app/)
})

test.run()
