/**
 * Requests to a registry, on `fetch`: redirects by hand, repetition where the server or the network is only busy, and
 * a bound on the time and the size of each answer. Proxies and certificate authorities are the runtime's.
 */
import { SandboxError } from '../errors.ts'
import { NotInRegistry, Stalled, isProtocolFault, isTransient, networkFault, pullFault } from './pull-fault.ts'

export type Transport = {
  /** The image, as messages name it: HOST/NAME:TAG. */
  readonly subject: string
  /** Plain http is allowed to any host, and not to loopback alone. */
  readonly insecure: boolean
  readonly signal?: AbortSignal
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** Seconds without a byte after which a connection counts as broken. */
  readonly idleSeconds?: number
  /** Waits before a repetition; rejects when the signal is aborted. */
  readonly pause?: (seconds: number, signal?: AbortSignal) => Promise<void>
  /** Reports why nothing happens, and for how many seconds. */
  readonly onWait?: (reason: string, seconds: number) => void
}

export type Answer = {
  readonly status: number
  readonly statusText: string
  readonly headers: Headers
  /** The last one that was requested, and whether a redirect led to another origin. */
  readonly url: URL
  readonly isForeign: boolean
  /** Bytes as the server sent them. Throws what `fetch` throws when the connection breaks. */
  readonly body: AsyncIterable<Uint8Array>
  /** Closes the connection where the rest of the body isn't wanted. */
  cancel(): void
}

type Message = { method?: 'POST'; headers: Readonly<Record<string, string>>; body?: string }

const TRIES = 5
const REDIRECTS = 10
const IDLE_SECONDS = 60
/** Seconds; a server that asks for more is not waited for. */
const LONGEST_WAIT = 60
/** Bytes of an error's body that are read. */
const ERROR_BYTES = 1 << 16

const BUSY: readonly number[] = [408, 429, 500, 502, 503, 504]
const REDIRECT: readonly number[] = [301, 302, 303, 307, 308]

/**
 * Asks, follows redirects, and asks again while the server is busy. The answer has any other status. The Authorization
 * header goes to the origin of URL alone.
 */
export async function send(url: URL, message: Message, transport: Transport): Promise<Answer> {
  let answer = await persist(url, message, transport)
  for (let hops = 0; REDIRECT.includes(answer.status) && message.method === undefined; hops++) {
    answer.cancel()
    if (hops === REDIRECTS) throw pullFault(transport.subject, `more than ${REDIRECTS} redirects`)
    const next = targetOf(answer, url, transport)
    const isForeign = answer.isForeign || next.origin !== url.origin
    const { Authorization: _, ...headers } = message.headers as Record<string, string>
    answer = { ...(await persist(next, isForeign ? { headers } : message, transport)), isForeign }
  }
  return answer
}

function targetOf(answer: Answer, first: URL, transport: Transport): URL {
  const location = answer.headers.get('location') ?? ''
  if (location === '' || !URL.canParse(location, answer.url.href))
    throw pullFault(transport.subject, `redirect (${answer.status}) without an address`)
  const next = new URL(location, answer.url)
  if (next.username !== '' || next.password !== '')
    throw pullFault(transport.subject, 'redirect to an address with a password')
  if (next.protocol !== 'https:' && !(next.protocol === 'http:' && first.protocol === 'http:'))
    throw pullFault(transport.subject, `redirect from ${first.protocol}// to ${next.protocol}//${next.host}`)
  requireSafe(next, transport)
  return next
}

/** Refuses plain http, but for loopback and where the caller allows it. */
export function requireSafe(url: URL, transport: Transport): void {
  if (url.protocol === 'https:' || transport.insecure || isLoopback(url.hostname)) return
  throw pullFault(
    transport.subject,
    `plain http to ${url.host} is not safe: anybody on the way could read and change what is sent`,
    '--insecure allows it',
  )
}

/** Names that lead to this machine by their form alone, without a resolver. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}

async function persist(url: URL, message: Message, transport: Transport): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    let reason: string
    let seconds = backoff(tries)
    try {
      const answer = await exchange(url, message, transport)
      if (!BUSY.includes(answer.status)) return answer
      reason = `${answer.status} ${answer.statusText}`.trim()
      const requested = retryAfter(answer.headers.get('retry-after'))
      if (tries === TRIES || (requested ?? 0) > LONGEST_WAIT) {
        const wait =
          requested === undefined ? 'is busy or broken: try again later' : `asks to wait ${Math.ceil(requested)} s`
        throw await refusal(answer, transport, `${url.host} ${wait}`)
      }
      answer.cancel()
      seconds = Math.max(seconds, requested ?? 0)
    } catch (error) {
      transport.signal?.throwIfAborted()
      if (error instanceof SandboxError) throw error
      if (tries === TRIES || !isTransient(error)) throw networkFault(error, url, transport.subject)
      reason = 'the connection broke'
    }
    await waitAgain(reason, seconds, transport)
  }
}

/** Seconds before try N + 1; random, so that many clients don't come back at once. */
function backoff(tries: number): number {
  return 0.5 * 2 ** (tries - 1) * (0.75 + Math.random() / 2)
}

/** Waits before a broken download goes on. `tries`: how many in a row brought nothing. */
export async function waitForTry(tries: number, transport: Transport): Promise<void> {
  await waitAgain('the connection broke', backoff(tries), transport)
}

async function waitAgain(reason: string, seconds: number, transport: Transport): Promise<void> {
  transport.onWait?.(reason, seconds)
  await (transport.pause ?? pause)(seconds, transport.signal)
}

function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, seconds * 1000)
    signal?.addEventListener('abort', abort, { once: true })
  })
}

/** Seconds, from a number of them or a date (RFC 9110, section 10.2.3). */
function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000)
}

/** Whether a server answers at URL; false where something is there that doesn't speak the protocol of URL. */
export async function answers(url: URL, transport: Transport): Promise<boolean> {
  try {
    ;(await exchange(url, { headers: {} }, transport)).cancel()
    return true
  } catch (error) {
    transport.signal?.throwIfAborted()
    if (isProtocolFault(error)) return false
    throw networkFault(error, url, transport.subject)
  }
}

/** One request, without redirects. Each silence of `idleSeconds` ends it, also while the body is read. */
async function exchange(url: URL, message: Message, transport: Transport): Promise<Answer> {
  const { signal, idleSeconds = IDLE_SECONDS } = transport
  signal?.throwIfAborted()
  const control = new AbortController()
  const abort = () => control.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  let timer: ReturnType<typeof setTimeout> | undefined
  const watch = () => {
    clearTimeout(timer)
    timer = setTimeout(() => control.abort(new Stalled(idleSeconds)), idleSeconds * 1000)
  }
  let isOver = false
  const end = () => {
    isOver = true
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  watch()
  try {
    const { method = 'GET', headers, body } = message
    const init = {
      method,
      // Node decodes what a server encodes without being requested; Bun doesn't, by `decompress`.
      headers: { 'User-Agent': 'nsbox', 'Accept-Encoding': 'identity', ...headers },
      ...(body !== undefined && { body }),
      redirect: 'manual' as const,
      signal: control.signal,
      decompress: false,
      // Bun would send what is for this machine to a proxy, too.
      ...(isLoopback(url.hostname) && { proxy: false }),
    }
    const response = await (transport.fetch ?? fetch)(url.href, init as RequestInit)
    return {
      status: response.status,
      statusText: response.statusText,
      headers: response.headers,
      url,
      isForeign: false,
      body: bytesOf(response, watch, end),
      cancel: () => {
        if (!isOver) control.abort()
        end()
      },
    }
  } catch (error) {
    end()
    throw error
  }
}

async function* bytesOf(response: Response, watch: () => void, end: () => void): AsyncGenerator<Uint8Array> {
  try {
    if (response.body === null) return
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      watch()
      yield bytes
    }
  } finally {
    end()
  }
}

/** The whole body of an answer of at most LIMIT bytes. */
export async function wholeBody(answer: Answer, what: string, limit: number, transport: Transport): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let length = 0
  try {
    for await (const bytes of answer.body) {
      length += bytes.length
      if (length > limit) throw pullFault(transport.subject, `${what} has more than ${limit} bytes`)
      parts.push(bytes)
    }
  } catch (error) {
    transport.signal?.throwIfAborted()
    if (error instanceof SandboxError) throw error
    throw networkFault(error, answer.url, transport.subject)
  } finally {
    answer.cancel()
  }
  return Buffer.concat(parts)
}

/** The error for a status that ends the pull, with the server's own words where it has some. */
export async function refusal(answer: Answer, { subject }: Transport, hint?: string): Promise<SandboxError> {
  const { status, statusText, url } = answer
  const words = await wordsOf(answer)
  const line = `${status} ${statusText}`.trim() + (words === '' ? '' : `: ${words}`)
  const text = answer.isForeign ? `${url.host}: ${line}` : line
  return status === 404
    ? new NotInRegistry({ step: 'image', what: 'pull', path: subject, text, hint })
    : pullFault(subject, text, hint)
}

/** `{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}`, as the distribution specification has it. */
async function wordsOf(answer: Answer): Promise<string> {
  const parts: Uint8Array[] = []
  try {
    let length = 0
    for await (const bytes of answer.body) {
      length += bytes.length
      if (length > ERROR_BYTES) return ''
      parts.push(bytes)
    }
    const { errors, details } = JSON.parse(Buffer.concat(parts).toString()) as {
      errors?: { message?: unknown }[]
      details?: unknown
    }
    const message = errors?.[0]?.message ?? details
    return typeof message === 'string' ? message.slice(0, 200) : ''
  } catch {
    return ''
  } finally {
    answer.cancel()
  }
}
