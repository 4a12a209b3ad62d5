/** Builds and runs programs of Bun: an empty one, the front end as a bundle, and the one that uses the library. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { COMMAND, root, SIDECAR, TOP } from './boxes.ts'
import type { BoxRequest } from './library.ts'
import { rounds, type Bench, type Times } from './pace.ts'
import { RUNTIME, RUNTIME_CONFIG, which, type Usable } from './peers.ts'
import type { PipeRequest } from './pipe.ts'

const bun = (...args: string[]): string =>
  execFileSync(process.execPath, args, { cwd: TOP, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

/**
 * Copies a program of a hundred megabytes as cp(1) does. The way in which a file was written decides in which pieces
 * the kernel caches it, which makes a fifth of its start time, so all compared programs are written alike.
 */
export function installed(bench: Bench, file: string): string {
  const copy = join(bench.dir, `installed-${basename(file)}`)
  execFileSync('cp', ['--force', '--remove-destination', file, copy])
  return copy
}

/** An empty program, built as dist/nsbox is: the time that Bun itself takes to start and end. */
export function emptyBunProgram(bench: Bench): string {
  const source = join(bench.dir, 'empty-bun.ts')
  const file = join(bench.dir, 'empty-bun')
  writeFileSync(source, '')
  bun(
    'build',
    '--compile',
    '--minify',
    '--bytecode',
    '--no-compile-autoload-bunfig',
    '--no-compile-autoload-dotenv',
    source,
    '--outfile',
    file,
  )
  return installed(bench, file)
}

/** The size of the front end's own code, without Bun and the sidecar, in bytes. */
export function bundleSize({ dir }: Bench): number {
  bun('build', '--target=bun', '--minify', 'src/main.ts', '--outdir', join(dir, 'front-end'))
  return statSync(join(dir, 'front-end/main.js')).size
}

/** The times of the program that uses the library, under Bun or Node.js. */
export function libraryTimes(
  bench: Bench,
  runtime: Runtime,
  full: number,
  baked: string,
  peers: readonly Usable[],
): Times {
  const usable = (name: string) => peers.find((peer) => peer.name === name)
  const request: BoxRequest = {
    rounds: rounds(bench, full),
    root: root(bench),
    command: COMMAND,
    bare: bench.program('empty'),
    baked,
    bwrap: usable('bubblewrap')?.argv ?? null,
    runtime:
      usable('sandbox-runtime') === undefined
        ? null
        : { module: join(RUNTIME, 'dist/index.js'), config: RUNTIME_CONFIG },
  }
  return timesOf(bench, runtime, 'library', request)
}

/** The times of the program that reads a command's output. */
export function pipeTimes(bench: Bench, runtime: Runtime, full: number): Times {
  const request: PipeRequest = {
    rounds: rounds(bench, full),
    bytes: bench.quick ? 2 ** 24 : 2 ** 30,
    root: root(bench),
    command: '/bin/flood',
    bare: bench.program('flood'),
  }
  return timesOf(bench, runtime, 'pipe', request)
}

export type Runtime = 'bun' | 'node'

function timesOf(bench: Bench, runtime: Runtime, name: string, request: unknown): Times {
  const file = join(bench.dir, `${name}.mjs`)
  bun('build', '--target=node', '--conditions=package', `scripts/bench/${name}.ts`, '--outfile', file)
  mkdirSync(join(bench.dir, 'sidecar'), { recursive: true })
  copyFileSync(SIDECAR, join(bench.dir, `sidecar/nsbox-sidecar-${process.arch}`))
  const program = runtime === 'bun' ? process.execPath : which('node')
  if (program === null) return new Map()
  // Run by pace.c, for its priority.
  const chrt = process.getuid?.() === 0 ? which('chrt') : null
  const [first = '', ...words] = [
    ...(chrt === null ? [] : [chrt, '--fifo', '1']),
    program,
    file,
    JSON.stringify(request),
  ]
  const text = execFileSync(first, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  return new Map(Object.entries(JSON.parse(text) as Record<string, number[]>))
}
