/** The machine as the checks see it: one object, so that a test can hand in another machine. */
import type { SpawnSyncReturns } from 'node:child_process'
import * as fs from 'node:fs'

export type Host = {
  /** Content of a text file, or undefined where it cannot be read. */
  readFile(path: string): string | undefined
  exists(path: string): boolean
  /** Mode bits and owner of a file. */
  stat(path: string): { mode: number; uid: number } | undefined
  /** Exit status and output of a program; undefined where it is not there. */
  run(program: string, args: string[]): { status: number; stdout: string; stderr?: string } | undefined
  /** Makes an unnamed file in DIR and removes it: the name of the error, or undefined. */
  tryTmpfile(dir: string): string | undefined
  /** Bytes that the caller may still write to the file system of a directory; undefined where that is not known. */
  space(dir: string): number | undefined
  /** Bytes in each file of a directory; undefined where it can't be read. */
  sizes(dir: string): number[] | undefined
  env: Readonly<Record<string, string | undefined>>
  uid: number
  user: string
  /** Path of this executable. */
  exe: string
}

export function examinedHost(): Host {
  const uid = process.getuid?.() ?? 0
  return {
    readFile: (path) => attempt(() => fs.readFileSync(path, 'utf8')),
    exists: fs.existsSync,
    stat: (path) => attempt(() => fs.statSync(path)),
    run: runProgram,
    tryTmpfile,
    space: (dir) => attempt(() => freeBytes(fs.statfsSync(dir))),
    sizes: (dir) => attempt(() => fs.readdirSync(dir).map((name) => fs.lstatSync(`${dir}/${name}`).size)),
    env: process.env,
    uid,
    user: loginName(uid),
    exe: process.execPath,
  }
}

/** Reads /etc/passwd, since Bun's os.userInfo() believes $USER, which may be anybody. */
function loginName(uid: number): string {
  const passwd = attempt(() => fs.readFileSync('/etc/passwd', 'utf8')) ?? ''
  const entry = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid))
  return entry?.[0] ?? process.env.USER ?? String(uid)
}

function runProgram(program: string, args: string[]): { status: number; stdout: string; stderr: string } | undefined {
  const { spawnSync } = require('node:child_process') as typeof import('node:child_process')
  const result: SpawnSyncReturns<string> = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 5000,
  })
  return result.error === undefined
    ? { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr }
    : undefined
}

const O_TMPFILE = 0o20000000 | fs.constants.O_DIRECTORY

function tryTmpfile(dir: string): string | undefined {
  try {
    fs.closeSync(fs.openSync(dir, O_TMPFILE | fs.constants.O_RDWR, 0o700))
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO'
  }
}

const freeBytes = ({ bavail, bsize }: fs.StatsFs): number => bavail * bsize

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
