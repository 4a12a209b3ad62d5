/** Programs that use the library in a process of their own, and what they print of its errors. */
import * as child_process from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { $ } from 'zx'
import { box, SandboxError } from 'nsbox'
import { textOf } from './helpers.mjs'

/** The errors of each function for a command that can't be started, each where its callers look for it. */
export const FUNCTIONS = `
  const failed = (error) => ({ name: error.name, step: error.step, code: error.code, errno: error.errno, hint: error.hint, message: error.message })
  const functions = {
    run: (b, words, options) => b.run(words, options).then(() => 'ran', failed),
    spawn: (b, [command, ...args], options) => new Promise((resolve) => {
      const child = b.spawn(command, args, options)
      const errors = []
      let exits = 0
      for (const stream of [child.stdout, child.stderr]) stream?.resume()
      child.stdin?.on('error', () => {}).end('x')
      child.on('error', (error) => errors.push(failed(error)))
      child.on('exit', () => exits++)
      child.on('close', () => setTimeout(() => resolve(errors.length === 0 ? 'ran' : errors.length === 1 && exits === 0 ? errors[0] : { errors, exits }), 5))
    }),
    spawnSync: async (b, [command, ...args], options) => {
      const { error, status, pid } = b.spawnSync(command, args, options)
      return error === undefined ? 'ran' : status === null && pid === 0 ? failed(error) : { status, pid, error }
    },
  }
  const opened = { open: (b) => b.open().then((live) => live.close().then(() => 'ran'), failed) }
  process.on('uncaughtException', (error) => { console.log(JSON.stringify([{ uncaught: String(error && error.stack) }])); process.exit(1) })
  process.on('unhandledRejection', (error) => { console.log(JSON.stringify([{ unhandled: String(error && error.stack) }])); process.exit(1) })
`

/**
 * Returns a function that runs a program of its own from DIR, in a shell that may set limits first, and returns what it
 * prints as JSON.
 */
export function programsIn(dir) {
  let scripts = 0
  return async (body, { before = ':', env = {} } = {}) => {
    const script = join(dir, `script-${scripts++}.mjs`)
    writeFileSync(
      script,
      `import * as fs from 'node:fs'\nimport * as child_process from 'node:child_process'\nimport { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}\n${FUNCTIONS}\n${body}`,
    )
    const child = child_process.spawn('sh', ['-c', `${before}; exec "$0" "$1"`, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
    assert.ok(stdout !== '', stderr)
    return JSON.parse(stdout)
  }
}

/** Checks that RESULT, which such a program has printed, is an error of nsbox with this name of its number, and a way out. */
export function isFailure(result, code, what) {
  assert.equal([result.name, result.code], ['SandboxError', code], `${what}: ${JSON.stringify(result)}`)
  assert.ok(
    result.errno < 0 && result.step !== '' && result.hint !== '' && result.message.endsWith(`\nhint: ${result.hint}`),
    `${what}: ${JSON.stringify(result)}`,
  )
}
