/** Remembered plans without boxes: the front end up to its execve, and the native code as a program of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { walk } from '../../src/cli/argv.ts'
import { verbOf } from '../../src/cli/verb.ts'
import { run } from '../../src/verbs/run.ts'
import { BIN } from './nsbox.ts'

/** A start of the program: option words and command, the caller's directory and variables. */
export type Start = {
  words: readonly string[]
  cwd: string
  variables: Readonly<Record<string, string>>
  program?: string
}

/** What the front end of this source gives to execve: the plan, then its record where it is to be remembered. */
type Handed = { plan: string; record: readonly string[] }

/** Runs the front end in this process. Undefined where it ends with an error, or the command line isn't a box's. */
export function frontEnd({ words, cwd, variables }: Start): Handed | undefined {
  let handed: string[] | undefined
  const before = { execve: process.execve, nextTick: process.nextTick, cwd: process.cwd(), env: { ...process.env } }
  process.execve = ((_: string, argv: string[]) => {
    handed ??= argv
    // An error after which no other way is tried.
    throw Object.assign(new Error(), { code: 'EMFILE' })
  }) as NonNullable<typeof process.execve>
  try {
    process.chdir(cwd)
    for (const name of Object.keys(process.env)) if (/^(HOME|NSBOX_.*|XDG_.*)$/.test(name)) delete process.env[name]
    Object.assign(process.env, variables)
    const name = verbOf(words)
    if (name !== undefined && name !== 'run') return undefined
    const walked = walk(name === undefined ? words : words.slice(1), 'run', run)
    if (walked.question === undefined) void run.run(run.parse(walked))
  } catch {
    // The test compares what was handed over before.
  } finally {
    Object.assign(process, { execve: before.execve, nextTick: before.nextTick })
    for (const name of Object.keys(process.env)) if (!(name in before.env)) delete process.env[name]
    Object.assign(process.env, before.env)
    process.chdir(before.cwd)
  }
  const [plan, ...record] = handed ?? []
  return plan === undefined ? undefined : { plan, record }
}

/** The native code, dist/test/remember, which carries out one request after the other. */
export class Native {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #waiting: ((plan: string | undefined) => void)[] = []
  #received = Buffer.alloc(0)

  constructor() {
    this.#child = spawn(join(BIN, 'remember'), { stdio: 'pipe' })
    this.#child.stdout.on('data', (data: Buffer) => this.#receive(data))
    this.#child.on('exit', (code, signal) => {
      if (this.#waiting.length > 0) throw new Error(`dist/test/remember ended: ${signal ?? code}`)
    })
  }

  /** Stores what `frontEnd` gave. */
  async remember(start: Start, record: readonly string[]): Promise<void> {
    await this.#ask('remember', start, record)
  }

  /** The plan of a later start; undefined where it goes the ordinary way. */
  find(start: Start): Promise<string | undefined> {
    return this.#ask('find', start, [])
  }

  end(): void {
    this.#child.stdin.end()
  }

  #ask(what: string, start: Start, record: readonly string[]): Promise<string | undefined> {
    const list = (texts: readonly string[]): string[] => [String(texts.length), ...texts]
    const texts = [
      what,
      start.program ?? 'this program',
      String(process.getuid?.()),
      String(process.getgid?.()),
      start.cwd,
      ...list(['nsbox', ...start.words]),
      ...list(Object.entries(start.variables).map(([name, value]) => `${name}=${value}`)),
      ...list(record),
    ]
    const body = Buffer.from(texts.map((text) => `${text}\0`).join(''))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(body.length)
    this.#child.stdin.write(Buffer.concat([length, body]))
    return new Promise((answered) => this.#waiting.push(answered))
  }

  #receive(data: Buffer): void {
    this.#received = Buffer.concat([this.#received, data])
    while (this.#received.length >= 4) {
      const length = this.#received.readInt32LE()
      const end = 4 + Math.max(length, 0)
      if (this.#received.length < end) return
      const plan = length < 0 ? undefined : this.#received.toString('utf8', 4, end)
      this.#received = this.#received.subarray(end)
      this.#waiting.shift()?.(plan)
    }
  }
}

/** The environment of a start that remembers its plan below CACHE, which must be the caller's alone. */
export function remembering(cache: string): NodeJS.ProcessEnv {
  const { NSBOX_REMEMBER: _, ...others } = process.env
  return { ...others, NSBOX_CACHE: cache }
}

/** The files with remembered plans. */
export function recordsIn(cache: string): string[] {
  const directory = join(cache, 'starts')
  return existsSync(directory) ? readdirSync(directory).map((name) => join(directory, name)) : []
}
