/**
 * A client of registries: the pull half of the OCI distribution specification. What it returns has been compared with
 * its digest, but for blobs, which `download.ts` compares.
 */
import { sha256Digest } from '../host/sha256.ts'
import type { SandboxError } from '../errors.ts'
import { authorise, unauthorised, type Login } from './authorise.ts'
import type { FoundCredentials } from './credentials.ts'
import { type Answer, type Transport, answers, isLoopback, refusal, send, waitForTry, wholeBody } from './http.ts'
import {
  MAX_MANIFEST,
  MEDIA_TYPES,
  chooseManifest,
  parseManifest,
  type Descriptor,
  type Index,
  type Manifest,
} from './manifest.ts'
import { platformText, simple, type Platform } from './platform.ts'
import { pullFault } from './pull-fault.ts'

export type Named = { host: string; name: string; tag?: string; digest?: string }

export type RegistryOptions = Omit<Transport, 'subject'> & {
  /** Looks credentials up once the registry, or its token server, asks. */
  credentials: (host: string) => Promise<FoundCredentials>
}

type Resolved = {
  /** sha256:HEX of what the reference names: an index, or the manifest. */
  digest: string
  manifestDigest: string
  manifest: Manifest
  /** The configuration, as it is in the registry. */
  config: Buffer
}

/** An index that leads to an index is rare, and one that leads further is a trap. */
const DEEPEST_INDEX = 3
/** Bytes. */
const LARGEST_CONFIG = 8 << 20

export class Registry {
  /** The reference as messages name it. */
  readonly subject: string
  readonly #named: Named
  readonly #transport: Transport
  readonly #credentials: RegistryOptions['credentials']
  #base: Promise<URL> | undefined
  /** The header that the registry took last, and the login that is under way. */
  #authorization: string | undefined
  #login: Promise<string> | undefined

  constructor(named: Named, { credentials, ...transport }: RegistryOptions) {
    const { host, name, tag, digest } = named
    this.subject = `${host}/${name}${digest !== undefined ? `@${digest}` : `:${tag}`}`
    this.#named = named
    this.#transport = { ...transport, subject: this.subject }
    this.#credentials = credentials
  }

  /** The image that the reference names, for a platform. Throws SandboxError, or the reason of the signal. */
  async resolve(platform: Platform): Promise<Resolved> {
    const { digest: pinned, tag } = this.#named
    const top = await this.#document(pinned ?? tag ?? 'latest', pinned)
    let { digest, document } = top
    for (let depth = 0; document.kind === 'index'; depth++) {
      if (depth === DEEPEST_INDEX) throw pullFault(this.subject, 'indexes are nested too deeply')
      const entry = chooseManifest(document, platform, this.subject)
      ;({ digest, document } = await this.#document(entry.digest, entry.digest, entry.size))
    }
    const config = await this.#smallBlob(document.config)
    this.#requirePlatform(config, platform, top.document.kind === 'index')
    return { digest: top.digest, manifestDigest: digest, manifest: document, config }
  }

  /**
   * The answer to a request for a blob's bytes from OFFSET on: status 200, 206 or 416, nothing of it compared. Throws
   * SandboxError for any other status, and what `fetch` throws where the connection breaks while the body is read.
   */
  async blob({ digest }: Descriptor, offset: number): Promise<Answer> {
    const answer = await this.#get(`blobs/${digest}`, offset > 0 ? { Range: `bytes=${offset}-` } : {})
    if (![200, 206, 416].includes(answer.status)) throw await this.#refused(answer)
    return answer
  }

  /** Waits before the next try of a blob of which the connection broke. */
  waitForTry(tries: number): Promise<void> {
    return waitForTry(tries, this.#transport)
  }

  get signal(): AbortSignal | undefined {
    return this.#transport.signal
  }

  async #document(
    reference: string,
    digest: string | undefined,
    size?: number,
  ): Promise<{ digest: string; document: Index | Manifest }> {
    const answer = await this.#get(`manifests/${reference}`, {
      Accept: [...MEDIA_TYPES.indexes, ...MEDIA_TYPES.manifests].join(', '),
    })
    if (answer.status !== 200) throw await this.#refused(answer)
    const bytes = await wholeBody(answer, 'the manifest', MAX_MANIFEST, this.#transport)
    const found = sha256Digest(bytes)
    const wanted = digest ?? answer.headers.get('docker-content-digest') ?? found
    if (wanted.startsWith('sha256:') && wanted !== found)
      throw pullFault(this.subject, `the manifest has the digest ${found} instead of ${wanted}`, DAMAGED)
    if (size !== undefined && size !== bytes.length)
      throw pullFault(
        this.subject,
        `the manifest ${found} has ${bytes.length} bytes, and its index says ${size}`,
        DAMAGED,
      )
    const type = answer.headers.get('content-type') ?? undefined
    return { digest: found, document: parseManifest(bytes, this.subject, type) }
  }

  async #smallBlob(descriptor: Descriptor): Promise<Buffer> {
    const { digest, size } = descriptor
    if (size > LARGEST_CONFIG)
      throw pullFault(this.subject, `the configuration has ${size} bytes: at most ${LARGEST_CONFIG} are allowed`)
    const answer = await this.#get(`blobs/${digest}`, {})
    if (answer.status !== 200) throw await this.#refused(answer)
    const bytes = await wholeBody(answer, 'the configuration', size, this.#transport)
    if (bytes.length === size && sha256Digest(bytes) === digest) return bytes
    throw pullFault(this.subject, `the configuration is not what its digest ${digest} says`, DAMAGED)
  }

  /** An image without an index says only in its configuration what it is for. */
  #requirePlatform(config: Buffer, wanted: Platform, isFromIndex: boolean): void {
    if (isFromIndex) return
    let own: { os?: unknown; architecture?: unknown; variant?: unknown }
    try {
      own = JSON.parse(config.toString())
    } catch {
      // Whoever reads the configuration says what is wrong with it.
      return
    }
    const { os, architecture, variant } = own ?? {}
    if (typeof os !== 'string' || typeof architecture !== 'string') return
    if (os === wanted.os && architecture === wanted.architecture) return
    const found = platformText(simple({ os, architecture, ...(typeof variant === 'string' && { variant }) }))
    throw pullFault(
      this.subject,
      `the image is for ${found}, not for ${platformText(wanted)}`,
      `--platform ${found} takes it all the same`,
    )
  }

  /** Asks the registry, and logs in where it demands that: also where a token has run out, but once for a request. */
  async #get(path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    const base = (this.#base ??= this.#findBase())
    const url = new URL(`${this.#named.name}/${path}`, await base)
    for (let hasLoggedIn = false; ;) {
      const used = this.#authorization
      const answer = await send(
        url,
        { headers: used === undefined ? headers : { ...headers, Authorization: used } },
        this.#transport,
      )
      // Another origin's challenge is not answered: credentials are not for it.
      if (answer.status !== 401 || answer.isForeign) return answer
      if (hasLoggedIn) throw await unauthorised(answer, await this.#loginAt(base))
      if (this.#authorization === used) {
        this.#authorization = await this.#loginOnce(answer, await this.#loginAt(base))
        hasLoggedIn = true
      } else answer.cancel()
    }
  }

  /** Requests that are refused at the same time wait for one login. */
  async #loginOnce(answer: Answer, login: Login): Promise<string> {
    try {
      return await (this.#login ??= authorise(answer, login).finally(() => {
        this.#login = undefined
      }))
    } finally {
      answer.cancel()
    }
  }

  async #loginAt(base: Promise<URL>): Promise<Login> {
    const { host, name } = this.#named
    return { host, server: await base, name, transport: this.#transport, credentials: this.#credentials }
  }

  /** `https`, unless plain http is allowed and nothing else is there. */
  async #findBase(): Promise<URL> {
    const { host } = this.#named
    const safe = new URL(`https://${host}/v2/`)
    const { insecure } = this.#transport
    if (!insecure && !isLoopback(safe.hostname)) return safe
    const plain = new URL(`http://${host}/v2/`)
    return (await answers(safe, this.#transport)) ? safe : plain
  }

  async #refused(answer: Answer): Promise<SandboxError> {
    const { status, isForeign } = answer
    if (!isForeign && (status === 401 || status === 403))
      return unauthorised(answer, await this.#loginAt((this.#base ??= this.#findBase())))
    return refusal(answer, this.#transport, status === 404 ? NOT_FOUND : undefined)
  }
}

const DAMAGED = 'the registry, or a proxy before it, is damaged or not to be trusted'
const NOT_FOUND = 'check the name and the tag; some registries also answer so if you may not see the image'
