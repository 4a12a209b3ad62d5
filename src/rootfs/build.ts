/**
 * `nsbox rootfs build DIR PROGRAM...`: a root directory from the host's own programs, with what they need to start.
 * No program is executed. What programs open by name at run time (plugins, data) is not seen: `--with`, or name it as well.
 */

import { lstatSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { printable, UsageError } from '../errors.ts'
import { Closure } from './closure.ts'
import { METHODS, type Method, Placer } from './copy.ts'
import { addExtra, EXTRAS, type Extra } from './extras.ts'

type Request = { dir: string; programs: string[]; by: Method; extras: Set<Extra>; quiet: boolean }

const USAGE = 'nsbox rootfs build DIR PROGRAM... [--by copy|hardlink|reflink] [--with nss,locale,terminfo,ca-certificates] [--quiet]'
/** On hosts with a merged /usr, scripts and people say /bin/sh all the same. */
const ALIASES = ['/bin', '/sbin']

export function rootfsCommand(args: string[], out: (line: string) => void): void {
  const request = parse(args)
  const say = request.quiet ? () => {} : out
  // All is looked up before anything is written: a missing library leaves no half of a root.
  const closure = new Closure(process.env['PATH'])
  const lines = request.programs.map((name) => {
    const before = closure.files.size
    const path = closure.program(name)
    const more = closure.files.size - before - 1
    return printable(more > 0 ? `${path} and ${count(more, 'file')} that it needs` : path)
  })
  for (const extra of request.extras) addExtra(extra, closure, process.env)
  const placer = new Placer(request.dir, request.by)
  try {
    for (const path of [...closure.files, ...aliases(closure.files)]) placer.place(path)
  } catch (error) {
    placer.undo()
    throw error
  }
  for (const line of lines) say(line)
  say(`${count(placer.files, 'file')}, ${count(placer.links, 'link')}, ${count(placer.bytes, 'byte')}`)
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

/** Links of the host's root to a directory that holds one of the files. */
function aliases(files: Set<string>): string[] {
  const dirs = new Set([...files].map((path) => realpathSync(dirname(path))))
  return ALIASES.filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && dirs.has(realpathSync(path)))
}

function parse(args: string[]): Request {
  const words: string[] = []
  const request: Request = { dir: '', programs: [], by: 'copy', extras: new Set(), quiet: false }
  const rest = [...args]
  while (rest.length > 0) {
    const arg = rest.shift() ?? ''
    if (arg === '--') words.push(...rest.splice(0))
    else if (arg.startsWith('-') && arg !== '-') option(arg, rest, request)
    else words.push(arg)
  }
  const [verb, dir, ...programs] = words
  if (verb !== 'build') throw new UsageError(verb === undefined ? 'rootfs: what to do is missing' : `rootfs: unknown: ${printable(verb)}`, USAGE)
  if (dir === undefined || dir === '') throw new UsageError('rootfs build: DIR is missing', USAGE)
  if (programs.length === 0) throw new UsageError('rootfs build: PROGRAM is missing', USAGE)
  if (programs.includes('')) throw new UsageError("rootfs build: PROGRAM is empty: ''", USAGE)
  return { ...request, dir, programs }
}

function option(arg: string, rest: string[], request: Request): void {
  const [, name = arg, given] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? []
  if (name === '--quiet') {
    if (given !== undefined) throw new UsageError('--quiet takes no value', USAGE)
    request.quiet = true
    return
  }
  if (name !== '--by' && name !== '--with') throw new UsageError(`rootfs build: unknown option ${printable(arg)}`, USAGE)
  const value = given ?? rest.shift()
  if (value === undefined) throw new UsageError(`${name} needs a value`, USAGE)
  if (name === '--by') request.by = choice(name, value, METHODS)
  else for (const part of value.split(',')) request.extras.add(choice(name, part, EXTRAS))
}

function choice<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((one) => one === value)
  if (found === undefined) throw new UsageError(`${name}: '${printable(value)}' is not one of ${values.join(', ')}`, USAGE)
  return found
}
