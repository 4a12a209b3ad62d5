/** Helpers for tests of the installed package, in the one language that Node and Bun both run as it is. */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export { sleep }

const APPLETS = [
  'sh',
  'ls',
  'cat',
  'echo',
  'sleep',
  'kill',
  'true',
  'hostname',
  'head',
  'yes',
  'pwd',
  'env',
  'printf',
  'id',
  'sort',
  'setsid',
  'dd',
  'wc',
  'mkdir',
  'touch',
  'tr',
  'test',
  'ps',
]

/** A directory of its own for the tests of a file, with a root in it, and what takes both away. */
export function makeRoot() {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'nsbox-')))
  const root = join(dir, 'r')
  for (const name of ['bin', 'proc', 'dev', 'tmp', 'work']) mkdirSync(join(root, name), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet))
  return { dir, root, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

export async function until(what, holds, seconds = 30) {
  for (const end = Date.now() + seconds * 1000; !(await holds()); await sleep(10))
    if (Date.now() > end) throw new Error(`never: ${what}`)
}

const fieldsOf = (pid) =>
  readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')

/** Process group of a process. */
export const groupOf = (pid) => Number(fieldsOf(pid)[2])

/** All processes below one, by their parents. */
export function familyOf(pid) {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [[Number(name), Number(fieldsOf(name)[1])]]
      } catch {
        return []
      }
    })
  const below = (parent) =>
    parents.filter(([, above]) => above === parent).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

/** A zombie has ended; its parent has only yet to ask how. */
export function isRunning(pid) {
  try {
    return existsSync(`/proc/${pid}`) && fieldsOf(pid)[0] !== 'Z'
  } catch {
    return false
  }
}

export const nameOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return ''
  }
}

/** All that runs below a process, as soon as there are so many with this name among it. */
export async function familyWith(pid, name, count) {
  let family = []
  await until(
    `${count} of ${name} below ${pid}`,
    () => (family = familyOf(pid)).filter((one) => nameOf(one) === name).length === count,
  )
  return family
}

export const ended = (family) => until(`the end of ${family}`, () => !family.some(isRunning))

/** The events of a child up to its end. */
export function eventsOf(child) {
  const events = []
  for (const name of ['spawn', 'exit', 'close'])
    child.on(name, (...args) => events.push(name === 'spawn' ? name : [name, ...args]))
  child.on('error', (error) => events.push(['error', error]))
  return new Promise((resolve) => child.once('close', () => resolve(events)))
}

export async function textOf(stream) {
  let text = ''
  for await (const chunk of stream) text += chunk
  return text
}

export const rejected = (promise) =>
  promise.then(
    () => {
      throw new Error('did not reject')
    },
    (error) => error,
  )

export const openFiles = () => readdirSync('/proc/self/fd').length

export { execFileSync }
