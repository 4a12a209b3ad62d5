/** Roots that are built, and programs made on the spot. */

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, readlinkSync, lstatSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from '../helpers/command.ts'
import { rootfsCommand } from '../../src/rootfs/build.ts'

export { inTemp } from '../helpers/nsbox.ts'

export function build(...args: string[]): string[] {
  const lines: string[] = []
  const command = parse(['rootfs', 'build', ...args])
  if (command.verb === 'rootfs') rootfsCommand(command.args, command.how, (line) => lines.push(line))
  return lines
}

/** The message of the error, which must come. */
export function refusal(body: () => void): string {
  try {
    body()
  } catch (error) {
    const { name, message } = error as Error
    return `${name}: ${message}`
  }
  throw new Error('no error came')
}

export function script(path: string, text: string): string {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

export function cc(source: string, output: string, ...flags: string[]): string {
  execFileSync('gcc', ['-x', 'c', '-', '-x', 'none', '-o', output, ...flags], {
    input: source,
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  return output
}

export const hasCc = spawnSync('gcc', ['--version']).status === 0

/** Everything below a directory, one line each: kind, mode, and content or target. */
export function listing(dir: string): string[] {
  return (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(dir, name)
    const stat = lstatSync(path)
    if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
    if (stat.isDirectory()) return `${name}/ ${stat.mode.toString(8)}`
    return `${name} ${stat.mode.toString(8)} ${stat.mtimeMs} ${Bun.hash(readFileSync(path))}`
  })
}
