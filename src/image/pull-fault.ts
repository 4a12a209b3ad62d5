/** Errors of a pull. What the two runtimes throw when a connection fails becomes one of them, with the way out. */
import { SandboxError, type Failure } from '../errors.ts'
import { errnoText } from '../host/errno.ts'

/** SUBJECT is what was to be pulled, as messages name it: HOST/NAME:TAG. */
export function pullFault(subject: string, text: string, hint?: string): SandboxError {
  return new SandboxError({ step: 'image', what: 'pull', path: subject, text, hint })
}

/** The registry says that it has no such image. */
export class NotInRegistry extends SandboxError {}

/** A server sent nothing for too long. */
export class Stalled extends Error {
  constructor(seconds: number) {
    super(`the server sent nothing for ${seconds} s`)
    this.name = 'Stalled'
  }
}

const CLOSED: readonly string[] = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ConnectionClosed']
const SILENT: readonly string[] = [
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'ConnectionTimeout',
]

/** Whether the same request may succeed when it is made again. */
export function isTransient(error: unknown): boolean {
  const { code, causes } = traceOf(error)
  return causes.some((cause) => cause instanceof Stalled) || CLOSED.includes(code) || SILENT.includes(code)
}

/** Whether nobody there speaks TLS: what a server of plain http makes of a greeting in TLS, or an unused port. */
export function isProtocolFault(error: unknown): boolean {
  const { code } = traceOf(error)
  return CLOSED.includes(code) || isTlsFault(code) || code === 'ECONNREFUSED'
}

/** The error for a connection that failed. */
export function networkFault(error: unknown, url: URL, subject: string): SandboxError {
  const { code, text, causes } = traceOf(error)
  const base = { step: 'image', what: 'pull', path: subject } as const
  const stalled = causes.find((cause) => cause instanceof Stalled)
  if (stalled !== undefined) return pullFault(subject, `${url.host}: ${stalled.message}`)
  if (isCertificateFault(code)) return new SandboxError({ ...base, ...certificateFault(code, url) })
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new SandboxError({ ...base, code, text: `${url.hostname} has no address`, hint: DNS_HINT })
  const hint = url.protocol === 'https:' ? 'a server that speaks plain http needs --insecure' : undefined
  if (isTlsFault(code)) return pullFault(subject, `${url.host} does not answer as https does`, hint)
  if (CLOSED.includes(code)) return pullFault(subject, `${url.host} closed the connection`, hint)
  if (SILENT.includes(code)) return pullFault(subject, `${url.host} does not answer`, PROXY_HINT)
  const known = /^E[A-Z]+$/.test(code) ? errnoText(code) : undefined
  if (known !== undefined) return new SandboxError({ ...base, code, text: `${url.host}: ${known}`, hint: PROXY_HINT })
  return pullFault(subject, `${url.host}: ${text}${code === '' ? '' : ` (${code})`}`)
}

/** The errors when a server answers a greeting in TLS with plain http: in Bun, and in Node. */
const isTlsFault = (code: string): boolean => code === 'EPROTO' || code.startsWith('ERR_SSL_')

const DNS_HINT = 'the name of the registry comes first: HOST/NAME'
const PROXY_HINT =
  'behind a proxy: HTTPS_PROXY=http://HOST:PORT (Node reads it from version 24 on, with NODE_USE_ENV_PROXY=1)'

/** Names that OpenSSL and BoringSSL have for what is wrong with a certificate. */
const isCertificateFault = (code: string): boolean => /CERT|SELF_SIGNED|ISSUER|CRL/.test(code)

function certificateFault(code: string, url: URL): Pick<Failure, 'text' | 'code' | 'hint'> {
  if (/ALTNAME|HOSTNAME/.test(code))
    return { code, text: `the certificate of ${url.host} is for another host`, hint: 'use the name that it has' }
  if (/EXPIRED|NOT_YET/.test(code))
    return { code, text: `the certificate of ${url.host} is not valid now`, hint: "compare this machine's clock: date" }
  return {
    code,
    text: `nobody that this machine trusts vouches for the certificate of ${url.host}`,
    hint: 'NODE_EXTRA_CA_CERTS=FILE adds an authority of your own, as PEM',
  }
}

/** The innermost code and text: Node wraps the cause of a failed `fetch`, Bun doesn't. */
function traceOf(error: unknown): { code: string; text: string; causes: unknown[] } {
  const causes: unknown[] = []
  for (let at = error; at !== undefined && at !== null && causes.length < 5; at = (at as Error).cause) causes.push(at)
  const errors = causes as Partial<NodeJS.ErrnoException>[]
  const code = errors.map((cause) => cause.code).findLast((name) => typeof name === 'string') ?? ''
  const inner = errors.findLast((cause) => typeof cause.message === 'string')?.message ?? String(error)
  // Bun adds advice on its own interface.
  return { code, text: inner.replace(/\. For more information.*/s, '').slice(0, 300), causes }
}
