/** Builds of roots that run a command. */
import { chmodSync, copyFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { BIN, execute, NSBOX, nsbox, type Ran } from '../helpers/nsbox.ts'

/** Without variables that could change what programs do. */
export const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/' }

export const build = (dir: string, ...args: string[]): Ran =>
  nsbox(['rootfs', 'build', ...args], { cwd: dir, env: ENV, stdio: ['ignore', 'pipe', 'pipe'] })

export const succeeded = (ran: Ran): Ran => {
  assert.is(ran.status, 0, ran.stderr + ran.stdout)
  return ran
}

export const inRoot = (root: string, ...argv: string[]): Ran =>
  execute(NSBOX, ['--root', root, '--clear-env', ...argv], { env: ENV, cwd: '/' })

/** A program that notices nothing of the C library's own files. */
export function program(dir: string): string {
  const path = join(dir, 'use_files')
  copyFileSync(join(BIN, 'use_files'), path)
  chmodSync(path, 0o755)
  return path
}

export const names = (directory: string): string[] => readdirSync(directory).sort()
