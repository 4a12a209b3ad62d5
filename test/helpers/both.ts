/** Runs a plain script with tests of the installed package by Node and by Bun. scripts/test.ts counts their totals. */
import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { project, RUNTIMES } from './package.ts'

export function runInBoth(script: string): void {
  const { path, remove } = project('uvu', 'zx', 'kleur', 'diff', 'dequal', 'mri', 'sade')
  try {
    cpSync(join(import.meta.dir, '../library/both'), join(path, 'tests'), { recursive: true })
    for (const { name, program } of RUNTIMES) {
      const { status, signal, stdout, stderr } = spawnSync(program, [join(path, 'tests', script)], {
        cwd: path,
        encoding: 'utf8',
        maxBuffer: 1 << 26,
      })
      console.log(`under ${name}:\n${stdout}${stderr}`)
      const counts = ['Total', 'Passed'].map((label) => new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'm').exec(stdout)?.[1])
      if (status === 0 && counts[0] !== undefined && counts[0] !== '0' && counts[0] === counts[1]) continue
      process.exitCode = 1
      console.log(`${script} failed under ${name}: ${signal ?? status}`)
    }
  } finally {
    remove()
  }
}
