/** Small servers on loopback that stand in for a registry, each with the fault that a test is about. */
import { createHash, randomBytes } from 'node:crypto'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { Registry, type Named, type RegistryOptions } from '../../../src/image/registry.ts'
import type { Transport } from '../../../src/image/http.ts'

export type Asked = { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }
export type Handler = (request: Asked, response: http.ServerResponse, count: number) => void | Promise<void>
export type Server = { host: string; port: number; asked: Asked[]; close(): Promise<void> }

/** `count`: how many requests came before. */
export async function serve(handler: Handler): Promise<Server> {
  const asked: Asked[] = []
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body: Buffer.concat(parts).toString() }
    await handler(one, response, asked.push(one) - 1)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    host: `127.0.0.1:${port}`,
    port,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Runs the body with a server, which is closed afterwards. */
export const withServer = (handler: Handler, body: (server: Server) => Promise<void>) => async (): Promise<void> => {
  const server = await serve(handler)
  try {
    await body(server)
  } finally {
    await server.close()
  }
}

export const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export const OCI = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const

const described = (mediaType: string, bytes: Uint8Array | string) => ({
  mediaType,
  digest: digestOf(bytes),
  size: Buffer.byteLength(bytes),
})

export type FakeImage = { manifest: string; digest: string; config: string; layer: Buffer; layerDigest: string }

export function fakeImage(architecture = 'amd64', layer: Buffer = randomBytes(100_000)): FakeImage {
  const config = JSON.stringify({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: [] } })
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config: described(OCI.config, config),
    layers: [described(OCI.layer, layer)],
  })
  return { manifest, digest: digestOf(manifest), config, layer, layerDigest: digestOf(layer) }
}

export function fakeIndex(images: Readonly<Record<string, FakeImage>>): string {
  return JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI.index,
    manifests: Object.entries(images).map(([architecture, { manifest }]) => ({
      ...described(OCI.manifest, manifest),
      platform: architecture === 'unknown' ? { os: 'unknown', architecture } : { os: 'linux', architecture },
    })),
  })
}

/** Serves documents by tag and by digest, as a registry without faults does. */
export function contents(images: readonly FakeImage[], tags: Readonly<Record<string, string>>): Handler {
  const documents = new Map<string, string>()
  const blobs = new Map<string, Buffer>()
  for (const { manifest, config, layer } of images) {
    documents.set(digestOf(manifest), manifest)
    blobs.set(digestOf(config), Buffer.from(config))
    blobs.set(digestOf(layer), layer)
  }
  for (const [tag, text] of Object.entries(tags)) {
    documents.set(tag, text)
    documents.set(digestOf(text), text)
  }
  return ({ url, headers }, response) => {
    const [, kind, key = ''] = /^\/v2\/team\/app\/(manifests|blobs)\/(.+)$/.exec(url) ?? []
    if (kind === 'manifests' && documents.has(key)) {
      const text = documents.get(key) as string
      response.setHeader('Content-Type', JSON.parse(text).mediaType ?? 'application/json')
      response.setHeader('Docker-Content-Digest', digestOf(text))
      response.end(text)
    } else if (kind === 'blobs' && blobs.has(key)) {
      const bytes = blobs.get(key) as Buffer
      const start = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)
      if (start > 0) {
        response.statusCode = 206
        response.setHeader('Content-Range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`)
      }
      response.setHeader('Content-Length', bytes.length - start)
      response.end(bytes.subarray(start))
    } else {
      response.statusCode = 404
      response.end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}')
    }
  }
}

/** The times that a client asked to wait, in place of waiting. */
export function client(
  host: string,
  { tag = 'latest', ...named }: Partial<Named> = {},
  options: Partial<RegistryOptions> = {},
): { registry: Registry; waits: { reason: string; seconds: number }[] } {
  const waits: { reason: string; seconds: number }[] = []
  const transport: Pick<Transport, 'insecure' | 'pause' | 'onWait'> = {
    insecure: false,
    pause: async () => {},
    onWait: (reason, seconds) => void waits.push({ reason, seconds }),
  }
  const registry = new Registry(
    { host, name: 'team/app', ...(named.digest === undefined ? { tag } : {}), ...named },
    { credentials: async () => ({ looked: ['/nowhere/config.json'], notes: [] }), ...transport, ...options },
  )
  return { registry, waits }
}

export const AMD64 = { os: 'linux', architecture: 'amd64' }

/** The message and the hint of an error that must come. */
export async function refused(body: Promise<unknown>): Promise<string> {
  try {
    await body
  } catch (error) {
    const { name, message, hint } = error as Error & { hint?: string }
    return `${name}: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`
  }
  throw new Error('nothing was refused')
}
