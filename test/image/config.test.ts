// runs once
/** Configurations and manifests of images: what is read from them, and what is refused. */
import { createHash } from 'node:crypto'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import { readConfig } from '../../src/image/config.ts'
import {
  chooseManifest,
  MAX_MANIFEST,
  MEDIA_TYPES,
  parseManifest,
  type Descriptor,
  type Index,
  type Manifest,
} from '../../src/image/manifest.ts'
import { parsePlatform, platformOf, platformText } from '../../src/image/platform.ts'

const DIGEST = `sha256:${'ab'.repeat(32)}`
const bytes = (value: unknown): Buffer => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))

function refusal(body: () => unknown): string {
  try {
    body()
  } catch (error) {
    assert.instance(error, SandboxError)
    return (error as SandboxError).message
  }
  throw new Error('not refused')
}

const ROOTFS = { type: 'layers', diff_ids: [DIGEST] }

test('a configuration gives environment, directory, user and command', () => {
  const text = bytes({
    architecture: 'arm64',
    os: 'linux',
    created: '2024-01-01T00:00:00Z',
    config: {
      Env: ['A=1', 'B=x=y'],
      WorkingDir: 'srv',
      User: 'www-data:adm',
      Entrypoint: ['/e'],
      Cmd: ['c', ''],
      Labels: { a: 'b' },
      StopSignal: 'SIGQUIT',
      ExposedPorts: { '80/tcp': {} },
    },
    rootfs: ROOTFS,
    history: [],
  })
  assert.equal(readConfig(text, 'x'), {
    id: `sha256:${createHash('sha256').update(text).digest('hex')}`,
    diffIds: [DIGEST],
    config: {
      env: ['A=1', 'B=x=y'],
      labels: { a: 'b' },
      cwd: '/srv',
      user: 'www-data:adm',
      entrypoint: ['/e'],
      cmd: ['c', ''],
      architecture: 'arm64',
      os: 'linux',
      created: '2024-01-01T00:00:00Z',
      stopSignal: 'SIGQUIT',
    },
  })
})

test('what is null or empty in a configuration is absent, as Docker writes it', () => {
  const { config } = readConfig(
    bytes({ config: { Env: null, Cmd: [], Entrypoint: null, WorkingDir: '', User: '', Labels: null }, rootfs: ROOTFS }),
    'x',
  )
  assert.equal(config, { env: [], labels: {} })
})

test('a configuration with a wrong type in it is refused with its key', () => {
  const rows: [unknown, RegExp][] = [
    ['no json', /is not JSON/],
    ['[]', /not an object/],
    [{}, /rootfs: not an object/],
    [{ rootfs: { diff_ids: ['sha256:../../x'] } }, /diff_ids/],
    [{ rootfs: { diff_ids: Array(501).fill(DIGEST) } }, /501 layers/],
    [{ rootfs: ROOTFS, config: { Env: 'A=1' } }, /config.Env: not a list/],
    [{ rootfs: ROOTFS, config: { Env: ['A'] } }, /not NAME=VALUE/],
    [{ rootfs: ROOTFS, config: { Env: ['=A'] } }, /not NAME=VALUE/],
    [{ rootfs: ROOTFS, config: { Cmd: [1] } }, /config.Cmd: not text/],
    [{ rootfs: ROOTFS, config: { Cmd: ['a\0b'] } }, /config.Cmd: NUL/],
    [{ rootfs: ROOTFS, config: { Labels: { a: 1 } } }, /config.Labels/],
    [{ rootfs: ROOTFS, config: { User: {} } }, /config.User/],
    [' '.repeat((8 << 20) + 1), /larger than/],
  ]
  for (const [value, message] of rows)
    assert.match(
      refusal(() => readConfig(bytes(value), 'x')),
      message,
    )
})

const CONFIG: Descriptor = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: DIGEST, size: 2 }
const LAYER: Descriptor = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: DIGEST, size: 5 }
const manifest = (changes: object = {}): object => ({ schemaVersion: 2, config: CONFIG, layers: [LAYER], ...changes })

test('a manifest of OCI and one of Docker say the same', () => {
  const found: Index | Manifest = parseManifest(bytes(manifest()), 'x')
  assert.equal(found, { kind: 'image', config: CONFIG, layers: [LAYER] })
  const docker = manifest({
    mediaType: MEDIA_TYPES.manifests[1],
    config: { ...CONFIG, mediaType: 'application/vnd.docker.container.image.v1+json' },
    layers: [{ ...LAYER, mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip' }],
  })
  assert.is(parseManifest(bytes(docker), 'x', `${MEDIA_TYPES.manifests[1]}; charset=utf-8`).kind, 'image')
})

test('a manifest that means something else, or two things, is refused', () => {
  const rows: [unknown, RegExp, string?][] = [
    ['{', /is not JSON/],
    ['null', /not an object/],
    [manifest({ schemaVersion: 1 }), /schema version 1/],
    [manifest({ schemaVersion: '2' }), /no schemaVersion 2/],
    [manifest({ manifests: [] }), /both a list and an image/],
    [manifest(), /is not what its type says/, MEDIA_TYPES.indexes[0]],
    [{ schemaVersion: 2, manifests: [] }, /is not what its type says/, MEDIA_TYPES.manifests[0]],
    [manifest({ mediaType: 'application/x' }), /is not an image/],
    [manifest({ mediaType: MEDIA_TYPES.manifests[0] }), /was sent as/, MEDIA_TYPES.indexes[0]],
    [
      manifest({ config: { ...CONFIG, mediaType: 'application/vnd.cncf.helm.config.v1+json' } }),
      /not an image of a system/,
    ],
    [manifest({ layers: [{ ...LAYER, mediaType: 'application/vnd.wasm' }] }), /not a file system/],
    [manifest({ layers: [{ ...LAYER, mediaType: `${LAYER.mediaType}+encrypted` }] }), /not a file system/],
    [manifest({ layers: [{ ...LAYER, digest: 'sha256:../../../etc/passwd' }] }), /digest/],
    [manifest({ layers: [{ ...LAYER, digest: `sha512:${'ab'.repeat(64)}` }] }), /digest/],
    [manifest({ layers: [{ ...LAYER, size: -1 }] }), /size/],
    [manifest({ layers: [{ ...LAYER, size: 1.5 }] }), /size/],
    [manifest({ layers: [{ ...LAYER, size: 2 ** 60 }] }), /size/],
    [manifest({ layers: [{ ...LAYER, size: '5' }] }), /size/],
    [manifest({ layers: Array(501).fill(LAYER) }), /501 entries/],
    [manifest({ layers: {} }), /layers: not a list/],
    [' '.repeat(MAX_MANIFEST + 1), /larger than/],
  ]
  for (const [value, message, type] of rows)
    assert.match(
      refusal(() => parseManifest(bytes(value), 'x', type)),
      message,
      JSON.stringify(value).slice(0, 200),
    )
})

const entry = (os: string, architecture: string, variant?: string) => ({
  mediaType: MEDIA_TYPES.manifests[0],
  digest: `sha256:${createHash('sha256').update(`${os}${architecture}${variant}`).digest('hex')}`,
  size: 1,
  platform: { os, architecture, ...(variant !== undefined && { variant }) },
})

test('an index gives the image for the platform; what is missing is named with what there is', () => {
  const index = parseManifest(
    bytes({
      schemaVersion: 2,
      manifests: [
        entry('unknown', 'unknown'),
        entry('linux', 'arm64', 'v8'),
        entry('linux', 'arm', 'v7'),
        entry('linux', 'amd64'),
      ],
    }),
    'x',
  )
  if (index.kind !== 'index') throw new Error('no index')
  const chosen = (text: string) => chooseManifest(index, parsePlatform(text), 'x').platform
  assert.equal(chosen('linux/amd64'), { os: 'linux', architecture: 'amd64' })
  assert.equal(chosen('arm64'), { os: 'linux', architecture: 'arm64' })
  assert.equal(chosen('linux/aarch64/v8'), { os: 'linux', architecture: 'arm64' })
  assert.equal(chosen('linux/arm'), { os: 'linux', architecture: 'arm', variant: 'v7' })
  assert.match(
    refusal(() => chosen('linux/arm/v5')),
    /no image for linux\/arm\/v5/,
  )
  try {
    chosen('linux/s390x')
  } catch (error) {
    assert.match(String((error as SandboxError).hint), /linux\/arm64, linux\/arm\/v7, linux\/amd64/)
  }
  assert.is(platformText(platformOf('x64')), 'linux/amd64')
})

test('a platform of another system, or none, is refused', () => {
  for (const text of ['windows/amd64', '', 'linux/', 'linux/amd64/v1/x', 'linux/AMD 64', '../x'])
    assert.throws(() => parsePlatform(text), /--platform/, text)
})

test.run()
