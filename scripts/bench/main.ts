/**
 * `make bench`: how long nsbox takes to start a box, beside others that do the same, in one run.
 *
 *   bun scripts/bench/main.ts [--quick] [--readme] [--out DIR] [--peers NAME,...] [PART...]
 *
 * --quick: two rounds of everything, which shows that it works and no more. --readme: write the section of
 * docs/benchmarks.md and
 * docs/start-by-mounts.svg. --out: where the results go (default: dist). --peers: compare with these alone, or with
 * `none`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { makeRoot, TOP } from './boxes.ts'
import type { Bench } from './pace.ts'
import { PARTS } from './parts.ts'
import { findPeers, watchControlGroups } from './peers.ts'
import { plot } from './plot.ts'
import { readmeText, resultText } from './print.ts'
import type { Result } from './result.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean' },
    readme: { type: 'boolean' },
    out: { type: 'string' },
    peers: { type: 'string' },
  },
})
const BEGIN =
  '<!-- bench: begin (written by make bench FLAGS=--readme; times differ from machine to machine, so nothing compares them) -->'
const END = '<!-- bench: end -->'

const out = resolve(values.out ?? join(TOP, 'dist'))
const bench: Bench = {
  dir: join(out, 'bench-run'),
  quick: values.quick ?? false,
  program: (name) => join(TOP, 'dist/bench', name),
}
mkdirSync(bench.dir, { recursive: true })
makeRoot(bench)
const tidy = watchControlGroups()
process.on('exit', tidy)
const wanted = values.peers?.split(',')
const isWanted = (name: string): boolean => wanted?.includes(name) ?? true
const { usable, absent } = findPeers(bench, wanted)

const result: Result = {
  date: new Date().toISOString().slice(0, 10),
  machine: {
    kernel: release().split('-')[0] ?? '',
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    user: process.getuid?.() === 0 ? 'root' : 'ordinary',
  },
  quick: bench.quick,
  parts: [],
  byMounts: [],
  targets: [],
  absent,
}
for (const { name, measure } of PARTS) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const find = (peer: string) => usable.find((one) => one.name === peer)
  const found = await measure({ bench, peers: usable, find, isWanted })
  result.parts.push(...(found.parts ?? []))
  // Times of two rounds mean nothing.
  result.targets.push(...(found.targets ?? []).map((target) => (bench.quick ? { ...target, met: null } : target)))
  result.byMounts.push(...(found.byMounts ?? []))
  for (const one of found.absent ?? []) if (!absent.some(({ name: known }) => known === one.name)) absent.push(one)
}

writeFileSync(join(out, 'bench.json'), `${JSON.stringify(result, null, 2)}\n`)
if (result.byMounts.length > 0) writeFileSync(join(out, 'start-by-mounts.svg'), plot(result.byMounts))
process.stdout.write(`${resultText(result)}\n`)
console.log(`written: ${join(out, 'bench.json')}`)
if (values.readme) writeReadme()

function writeReadme(): void {
  const file = join(TOP, 'docs/benchmarks.md')
  const text = readFileSync(file, 'utf8')
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`docs/benchmarks.md has no ${BEGIN}`)
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n\n${readmeText(result)}\n${text.slice(end)}`)
  writeFileSync(join(TOP, 'docs/start-by-mounts.svg'), plot(result.byMounts))
}
