/** Images that lie, break off or lead astray: each is refused by its own sentence, and nothing of it stays. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { image, layersIn, result } from '../helpers/image-cache.ts'
import { failure, inTemp } from '../helpers/nsbox.ts'
import { dockerArchiveOf, layoutOf, sha256, type ImageOf } from '../helpers/oci.ts'
import { tarOf, type TarEntry } from '../helpers/tar.ts'

const TAR = tarOf([
  { name: 'etc/', type: '5' },
  { name: 'etc/a', content: 'content'.repeat(100) },
])
const GOOD: ImageOf = { layers: [{ tar: TAR, compress: 'none' }] }
const blobOf = (dir: string, digest: string): string => join(dir, 'layout/blobs/sha256', digest.slice(7))

/** Pulls, and checks the refusal and that the cache is as empty as before. */
function refused(dir: string, reference: string, message: RegExp, ...flags: string[]): void {
  failure(image(dir, 'pull', ...flags, reference), message)
  assert.equal(layersIn(dir), [], String(message))
  assert.is(result(image(dir, 'ls', '--json')), '[]\n')
}

type Tamper = (dir: string) => void
const LAYER = sha256(TAR)

/** Rewrites a document of the layout, and the digests that lead to it. */
function changeIndex(dir: string, change: (index: { manifests: Record<string, unknown>[] }) => unknown): void {
  const path = join(dir, 'layout/index.json')
  const index = JSON.parse(readFileSync(path, 'utf8')) as { manifests: Record<string, unknown>[] }
  writeFileSync(path, JSON.stringify(change(index)))
}

function addBlob(dir: string, bytes: Buffer): { digest: string; size: number } {
  const digest = sha256(bytes)
  writeFileSync(blobOf(dir, digest), bytes)
  return { digest, size: bytes.length }
}

const ROWS: [title: string, tamper: Tamper, message: RegExp][] = [
  [
    'a layer with other content of the same size',
    (dir) => {
      const bytes = Buffer.from(TAR)
      bytes.write('CONTENT', 1024)
      writeFileSync(blobOf(dir, LAYER), bytes)
    },
    new RegExp(`the content of ${LAYER} has the digest sha256:`),
  ],
  [
    'a layer that is cut',
    (dir) => truncateSync(blobOf(dir, LAYER), 1024),
    /a blob has 1024 bytes, but its descriptor says \d+/,
  ],
  [
    'a layer that is longer',
    (dir) => writeFileSync(blobOf(dir, LAYER), Buffer.concat([TAR, Buffer.alloc(512)])),
    /a blob has \d+ bytes, but its descriptor says \d+/,
  ],
  ['a layer that is missing', (dir) => rmSync(blobOf(dir, LAYER)), /a blob is missing/],
  [
    'a layer that is a link',
    (dir) => {
      rmSync(blobOf(dir, LAYER))
      writeFileSync(join(dir, 'secret'), TAR)
      symlinkSync('../../../secret', blobOf(dir, LAYER))
    },
    /Symbolic link loop/,
  ],
  [
    'a layer that is a pipe',
    (dir) => {
      rmSync(blobOf(dir, LAYER))
      assert.is(spawnSync('mkfifo', [blobOf(dir, LAYER)]).status, 0)
    },
    /is not a regular file/,
  ],
  ['no oci-layout', (dir) => rmSync(join(dir, 'layout/oci-layout')), /has no oci-layout/],
  ['an index that is no JSON', (dir) => writeFileSync(join(dir, 'layout/index.json'), '{'), /is not JSON/],
  [
    'a manifest of 5 MiB',
    (dir) =>
      changeIndex(dir, ({ manifests }) => ({
        schemaVersion: 2,
        manifests: [{ ...manifests[0], ...addBlob(dir, Buffer.alloc(5 << 20, 0x20)) }],
      })),
    /is larger than \d+ bytes/,
  ],
  [
    'a digest that leads out',
    (dir) =>
      changeIndex(dir, ({ manifests }) => ({
        schemaVersion: 2,
        manifests: [{ ...manifests[0], digest: `sha256:${'../'.repeat(21)}x` }],
      })),
    /not sha256: and 64 hexadecimal digits/,
  ],
  [
    'indexes in each other',
    (dir) => {
      let entry: object | undefined
      changeIndex(dir, ({ manifests }) => {
        entry = manifests[0]
        for (let n = 0; n < 6; n++)
          entry = {
            mediaType: 'application/vnd.oci.image.index.v1+json',
            ...addBlob(dir, Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry] }))),
          }
        return { schemaVersion: 2, manifests: [entry] }
      })
    },
    /nests more than 4 indexes/,
  ],
]

for (const [title, tamper, message] of ROWS)
  test(
    `refused: ${title}`,
    inTemp((dir) => {
      layoutOf(join(dir, 'layout'), [GOOD])
      tamper(dir)
      refused(dir, `oci:${dir}/layout`, message)
    }),
  )

const SAYS: [title: string, image: ImageOf, message: RegExp][] = [
  [
    'another digest of the uncompressed layer',
    { layers: [{ tar: TAR, says: { diffId: sha256('x') } }] },
    new RegExp(`the content of ${sha256('x')} has the digest ${LAYER}`),
  ],
  ['another size', { layers: [{ tar: TAR, says: { size: 7 } }] }, /a blob has \d+ bytes, but its descriptor says 7/],
  [
    'a layer that is no file system',
    { layers: [{ tar: TAR, says: { mediaType: 'application/wasm' } }] },
    /a layer of the type application\/wasm/,
  ],
  ['no layer at all', { layers: [] }, /has no layer/],
  [
    'programs of another machine',
    { layers: [{ tar: TAR }], platform: { os: 'linux', architecture: 's390x' } },
    /no image for linux\/|is for linux\/s390x/,
  ],
  [
    'a layer that leads out of the root',
    { layers: [{ tar: tarOf([{ name: '../../../x', content: 'x' }]) }] },
    /^nsbox: image: unpack: \.\.\/\.\.\/\.\.\/x: /m,
  ],
]

for (const [title, lying, message] of SAYS)
  test(
    `refused: an image that says ${title}`,
    inTemp((dir) => {
      layoutOf(join(dir, 'layout'), [lying])
      refused(dir, `oci:${dir}/layout`, message)
    }),
  )

test(
  'refused: a layer that grows larger than allowed, with the number',
  inTemp((dir) => {
    const tar = tarOf([{ name: 'zeros', content: Buffer.alloc(3 << 20) }])
    layoutOf(join(dir, 'layout'), [{ layers: [{ tar }] }])
    refused(dir, `oci:${dir}/layout`, /2097152/, '--max-size', '2m')
    result(image(dir, 'pull', '--max-size', '4m', `oci:${dir}/layout`))
  }),
)

test(
  'refused: saved archives with members that lead astray',
  inTemp((dir) => {
    const manifest = (changes: object): TarEntry => ({
      name: 'manifest.json',
      content: JSON.stringify([{ Config: 'c.json', RepoTags: ['a:1'], Layers: ['l.tar'], ...changes }]),
    })
    const config: TarEntry = {
      name: 'c.json',
      content: JSON.stringify({ os: 'linux', rootfs: { type: 'layers', diff_ids: [LAYER] } }),
    }
    const layer: TarEntry = { name: 'l.tar', content: TAR }
    const rows: [TarEntry[], RegExp][] = [
      [[config, layer], /has no manifest.json/],
      [[manifest({}), config], /lacks the file l.tar/],
      [[manifest({ Config: '../../etc/passwd' }), config, layer], /lacks the file \.\.\/\.\.\/etc\/passwd/],
      [[manifest({ Layers: ['/etc/passwd'] }), config, layer], /lacks the file etc\/passwd/],
      [[manifest({ Layers: 'l.tar' }), config, layer], /with other keys than/],
      [[manifest({ Layers: [] }), config, layer], /has 0 layers, but its configuration names 1/],
      [[manifest({}), config, { name: 'l.tar', type: '2', link: 'l.tar' }], /lacks the file l.tar/],
      [[manifest({}), config, { name: 'l.tar', type: '2', link: '/etc/passwd' }], /lacks the file l.tar/],
      [[manifest({}), manifest({}), config, layer], /two members of one name/],
      [[manifest({}), config, layer, { name: '../x', content: 'x' }], /\.\. or NUL/],
    ]
    for (const [entries, message] of rows) {
      writeFileSync(join(dir, 'saved'), tarOf(entries))
      refused(dir, `docker-archive:${dir}/saved`, message)
    }
    writeFileSync(join(dir, 'saved'), dockerArchiveOf(GOOD, ['a:1', 'b:1']))
    refused(dir, `docker-archive:${dir}/saved:c`, /holds no image 'c'\n?/)
  }),
)

test(
  'a name of an image in a layout is never a path',
  inTemp((dir) => {
    mkdirSync(join(dir, 'layout'))
    layoutOf(join(dir, 'layout'), [{ ...GOOD, name: '../../../../victim' }])
    result(image(dir, 'pull', `oci:${dir}/layout:../../../../victim`))
    assert.is(spawnSync('find', [dir, '-name', 'victim*'], { encoding: 'utf8' }).stdout, '')
    failure(
      image(dir, 'pull', `oci:${dir}/layout:other`),
      /holds no image 'other': .*\nhint: say which, behind a colon: \.\./,
    )
  }),
)

test.run()
