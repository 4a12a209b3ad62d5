/** A real registry on loopback, with a storage of its own, and images in it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash, createPrivateKey, createSign, X509Certificate } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

const has = (program: string): boolean => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0

/** Why no registry can be started here, if none can. */
export const WITHOUT_REGISTRY = ['docker-registry', 'openssl'].filter((program) => !has(program)).join(' and ')

export type RealRegistry = {
  /** 127.0.0.1:PORT */
  host: string
  /** The access log: a line for each request, `"GET /v2/... HTTP/1.1" STATUS BYTES`. */
  log(): string
  stop(): Promise<void>
}

/** `auth` and `tls` are parts of its configuration. Registries with one STORAGE have the same images. */
export async function startRegistry(
  storage: string,
  { auth, tls }: { auth?: object; tls?: Certificate } = {},
): Promise<RealRegistry> {
  mkdirSync(storage, { recursive: true })
  const config = join(storage, `config-${Object.keys(auth ?? {}).join()}${tls === undefined ? '' : 'tls'}.yml`)
  // JSON is YAML.
  writeFileSync(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: join(storage, 'data') } },
      http: {
        addr: '127.0.0.1:0',
        secret: 'of this test',
        ...(tls && { tls: { certificate: tls.file, key: tls.key } }),
      },
      ...(auth && { auth }),
    }),
  )
  // A file, which a test that blocks can read as well.
  const access = `${config}.log`
  const out = openSync(access, 'w')
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', out, 'pipe'] })
  closeSync(out)
  const port = await portOf(child)
  return {
    host: `127.0.0.1:${port}`,
    log: () => readFileSync(access, 'utf8'),
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
    },
  }
}

function portOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stderr?.on('data', (data: Buffer) => {
      text += data
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(text)?.[1]
      if (port !== undefined) resolve(port)
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`docker-registry ended with ${signal ?? code}: ${text}`)))
  })
}

export const digestOf = (bytes: Uint8Array | string): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const OCI = 'application/vnd.oci.image'
type Described = { mediaType: string; digest: string; size: number }

/** Puts a blob into a registry that asks nobody for a password. */
async function pushBlob(host: string, name: string, mediaType: string, bytes: Uint8Array): Promise<Described> {
  const digest = digestOf(bytes)
  const start = await fetch(`http://${host}/v2/${name}/blobs/uploads/`, { method: 'POST' })
  const location = new URL(start.headers.get('location') ?? '', `http://${host}`)
  location.searchParams.set('digest', digest)
  const { status } = await fetch(location.href, { method: 'PUT', body: bytes as never })
  if (status !== 201) throw new Error(`push of a blob: ${status}`)
  return { mediaType, digest, size: bytes.length }
}

async function pushDocument(
  host: string,
  name: string,
  tag: string,
  mediaType: string,
  document: object,
): Promise<Described> {
  const text = JSON.stringify({ schemaVersion: 2, mediaType, ...document })
  const headers = { 'Content-Type': mediaType }
  const answer = await fetch(`http://${host}/v2/${name}/manifests/${tag}`, { method: 'PUT', headers, body: text })
  if (answer.status !== 201) throw new Error(`push of ${tag}: ${answer.status} ${await answer.text()}`)
  return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) }
}

export type PushedImage = { digest: string; described: Described }
type ToPush = { architecture?: string; config?: object; layers: { compressed: Uint8Array; diffId: string }[] }

/** Puts an image into a registry, by a tag. */
export async function pushImage(
  host: string,
  name: string,
  tag: string,
  { architecture = 'amd64', config = {}, layers }: ToPush,
): Promise<PushedImage> {
  const configBytes = Buffer.from(
    JSON.stringify({
      os: 'linux',
      architecture,
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  )
  const described = await pushDocument(host, name, tag, `${OCI}.manifest.v1+json`, {
    config: await pushBlob(host, name, `${OCI}.config.v1+json`, configBytes),
    layers: await Promise.all(
      layers.map(({ compressed }) => pushBlob(host, name, `${OCI}.layer.v1.tar+gzip`, compressed)),
    ),
  })
  return { digest: described.digest, described }
}

/** Puts an index of images that are there into a registry, by a tag; returns its digest. */
export async function pushIndex(
  host: string,
  name: string,
  tag: string,
  images: Readonly<Record<string, PushedImage>>,
): Promise<string> {
  const manifests = Object.entries(images).map(([architecture, { described }]) => ({
    ...described,
    platform: { os: 'linux', architecture },
  }))
  return (await pushDocument(host, name, tag, `${OCI}.index.v1+json`, { manifests })).digest
}

/** USER with PASSWORD, as the configuration of a registry has it. */
export function passwordFile(directory: string, user: string, password: string): object {
  const path = join(directory, 'htpasswd')
  writeFileSync(path, `${user}:${Bun.password.hashSync(password, { algorithm: 'bcrypt', cost: 4 })}\n`)
  return { htpasswd: { realm: 'a registry', path } }
}

export type Certificate = { file: string; key: string }

/** A certificate for 127.0.0.1 that nobody vouches for. */
export function certificate(directory: string, name: string): Certificate {
  const [file, key] = [join(directory, `${name}.pem`), join(directory, `${name}.key`)]
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost']
  const { status, stderr } = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', file, ...names],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  return { file, key }
}

export type TokenServer = {
  auth: object
  asked: { authorization: string | undefined; scope: string[] }[]
  stop(): void
}

/** A server of tokens for one user; without a password it gives tokens that allow nothing. */
export async function startTokenServer(directory: string, user: string, password: string): Promise<TokenServer> {
  const { file, key } = certificate(directory, 'tokens')
  const asked: TokenServer['asked'] = []
  const right = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const server: Server = createServer((request, response) => {
    const query = new URL(request.url ?? '', 'http://x').searchParams
    const { authorization } = request.headers
    asked.push({ authorization, scope: query.getAll('scope') })
    if (authorization !== undefined && authorization !== right) {
      response.statusCode = 401
      return void response.end('{"details":"incorrect username or password"}')
    }
    const access = authorization === undefined ? [] : query.getAll('scope').map(accessOf)
    response.end(JSON.stringify({ token: signed({ file, key }, query.get('service') ?? '', access) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const realm = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
  return {
    auth: { token: { realm, service: 'images', issuer: 'this test', rootcertbundle: file } },
    asked,
    stop: () => void server.close(),
  }
}

/** `repository:NAME:pull,push` as an entry of a token. */
function accessOf(scope: string): object {
  const [type, name, actions = ''] = scope.split(':')
  return { type, name, actions: actions.split(',') }
}

/** A JSON Web Token (RFC 7519) with its certificate in it. */
function signed({ file, key }: Certificate, audience: string, access: object[]): string {
  const now = Math.floor(Date.now() / 1000)
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const x5c = [new X509Certificate(readFileSync(file)).raw.toString('base64')]
  const claims = { iss: 'this test', aud: audience, sub: '', exp: now + 300, nbf: now - 60, iat: now, jti: '1', access }
  const text = `${part({ typ: 'JWT', alg: 'RS256', x5c })}.${part(claims)}`
  const signature = createSign('RSA-SHA256')
    .update(text)
    .sign(createPrivateKey(readFileSync(key)))
  return `${text}.${signature.toString('base64url')}`
}
