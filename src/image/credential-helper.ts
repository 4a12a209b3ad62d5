/** Programs that keep credentials for docker and others: `docker-credential-NAME get`. */
import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { SandboxError } from '../errors.ts'

export type Credentials =
  | { username: string; password: string }
  /** A token server takes it in place of a password (OAuth 2: a refresh token). */
  | { identityToken: string }
  /** The registry itself takes it. */
  | { token: string }

/** Whose credentials are asked for. */
export type Caller = {
  env: Readonly<Record<string, string | undefined>>
  uid: number
  signal?: AbortSignal
}

const NAME = /^[A-Za-z0-9][\w.-]*$/
/** Bytes. */
const LARGEST_ANSWER = 1 << 16
/** Seconds; a helper may ask its user something. */
const LONGEST_WAIT = 120
/** Sentences that helpers answer in place of an error number. */
const NOT_FOUND = /credentials not found|no credentials/i
/** The user name that marks an identity token in place of a password. */
const IS_TOKEN = '<token>'

/**
 * Asks a helper for the credentials of KEY. FILE has named the helper. The helper starts in `/`, and is looked for in
 * the absolute directories of PATH alone: never in the current directory.
 */
export async function askHelper(
  name: string,
  key: string,
  file: string,
  caller: Caller,
): Promise<Credentials | 'not found' | 'no such helper'> {
  if (!NAME.test(name)) throw helperFault(name, `${file} names it, but it is not the name of a helper`)
  const program = inPath(`docker-credential-${name}`, caller.env.PATH)
  if (program === undefined) return 'no such helper'
  const { status, output, errors } = await getFrom(program, key, caller)
  if (status !== '0') {
    if (NOT_FOUND.test(output)) return 'not found'
    const words = [output, errors]
      .map((text) => text.trim().split('\n')[0]?.slice(0, 200) ?? '')
      .find((text) => text !== '')
    throw helperFault(program, words ?? `status ${status}`)
  }
  const answer = answerIn(output)
  if (answer === undefined) throw helperFault(program, 'its answer is not {"Username": ..., "Secret": ...}')
  const { username, secret } = answer
  if (secret === '') return 'not found'
  return username === IS_TOKEN ? { identityToken: secret } : { username, password: secret }
}

function answerIn(output: string): { username: string; secret: string } | undefined {
  try {
    const { Username: username, Secret: secret } = JSON.parse(output) as Record<string, unknown>
    return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined
  } catch {
    return undefined
  }
}

function inPath(program: string, path = ''): string | undefined {
  return path
    .split(':')
    .filter(isAbsolute)
    .map((directory) => join(directory, program))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return statSync(file).isFile()
      } catch {
        return false
      }
    })
}

function getFrom(
  program: string,
  input: string,
  { env, signal }: Caller,
): Promise<{ status: string; output: string; errors: string }> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const child = spawn(program, ['get'], { cwd: '/', env: { ...env }, stdio: 'pipe' })
    const parts: { output: Buffer[]; errors: Buffer[] } = { output: [], errors: [] }
    const end = (error?: Error) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      if (error === undefined) return
      child.kill('SIGKILL')
      // Processes that the helper has started may hold its ends open.
      for (const pipe of child.stdio) pipe?.destroy()
      reject(error)
    }
    const abort = () => end(signal?.reason)
    const timer = setTimeout(() => end(helperFault(program, `no answer in ${LONGEST_WAIT} s`)), LONGEST_WAIT * 1000)
    signal?.addEventListener('abort', abort, { once: true })
    let length = 0
    const collectInto = (part: Buffer[]) => (data: Buffer) => {
      part.push(data)
      length += data.length
      if (length > LARGEST_ANSWER) end(helperFault(program, `its answer has more than ${LARGEST_ANSWER} bytes`))
    }
    child.stdout.on('data', collectInto(parts.output))
    child.stderr.on('data', collectInto(parts.errors))
    child.on('error', (error) => end(helperFault(program, error.message)))
    child.on('close', (code, killed) => {
      end()
      const [output, errors] = [parts.output, parts.errors].map((part) => Buffer.concat(part).toString()) as [
        string,
        string,
      ]
      resolve({ status: killed ?? String(code), output, errors })
    })
    // A helper that doesn't read what it is asked closes the pipe; its status says more.
    child.stdin.on('error', () => {})
    child.stdin.end(`${input}\n`)
  })
}

function helperFault(program: string, text: string): SandboxError {
  return new SandboxError({ step: 'image', what: 'credentials', path: program, text })
}
