/**
 * Runs a TypeScript file of tests by Node and by Bun, as the package and the compiled program run what it imports.
 * scripts/test.ts counts the totals of both.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { RUNTIMES } from './package.ts'

export async function runSourceInBoth(file: string): Promise<void> {
  const outdir = mkdtempSync(join(tmpdir(), 'nsbox-'))
  try {
    const script = await bundled(file, outdir)
    for (const { name, program } of RUNTIMES) {
      const { status, signal, stdout, stderr } = spawnSync(program, [script], { encoding: 'utf8', maxBuffer: 1 << 26 })
      console.log(`under ${name}:\n${stdout}${stderr}`)
      const [total, passed] = ['Total', 'Passed'].map((label) =>
        Number(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'm').exec(stdout)?.[1] ?? 0),
      )
      if (status === 0 && total !== 0 && total === passed) continue
      process.exitCode = 1
      console.log(`${basename(file)} failed under ${name}: ${signal ?? status}`)
    }
  } finally {
    rmSync(outdir, { recursive: true })
  }
}

/** Makes one script for both of a file and what it imports, in OUTDIR, and returns its path. */
export async function bundled(file: string, outdir: string): Promise<string> {
  const built = await Bun.build({ entrypoints: [file], outdir, target: 'node', naming: '[name].mjs' })
  if (!built.success) throw new Error(built.logs.join('\n'))
  return join(outdir, basename(file).replace(/\.ts$/, '.mjs'))
}
