// seconds: 180
/** `make bench` measures every part, and prints it in a form that programs can read. No time is asserted. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { plot } from '../../scripts/bench/plot.ts'
import { ratio, spread } from '../../scripts/bench/pace.ts'
import { machineText, readmeText } from '../../scripts/bench/print.ts'
import type { Result } from '../../scripts/bench/result.ts'
import { asRoot, execute, inTemp } from '../helpers/nsbox.ts'

const top = resolve(import.meta.dir, '../..')

/** Root runs the make target. Another user runs its command, since the build isn't theirs. */
function bench(flags: readonly string[], { cwd = top } = {}) {
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }
  if (asRoot)
    return execute('make', ['-C', cwd, 'bench', 'BENCH_PEERS=', `FLAGS=${flags.join(' ')}`], {
      timeout: 170000,
      env: environment,
    })
  return execute(process.execPath, ['scripts/bench/main.ts', ...flags], { timeout: 170000, cwd, env: environment })
}

test(
  'a quick run measures each part, names the compared launchers, and judges nothing',
  inTemp((dir) => {
    const { status, stdout, stderr } = bench(['--quick', '--out', dir, '--peers', 'unshare,bubblewrap'])
    assert.is(status, 0, stderr)
    const result = JSON.parse(readFileSync(join(dir, 'bench.json'), 'utf8')) as Result
    assert.is(result.quick, true)
    assert.is(result.machine.user, asRoot ? 'root' : 'ordinary')
    for (const { title, rows, reference } of result.parts) {
      assert.match(stdout, title)
      for (const {
        name,
        spread: { low, median, high },
        ratio,
      } of rows) {
        assert.ok(0 < low && low <= median && median <= high, `${title}: ${name}`)
        assert.is(ratio !== undefined, reference !== undefined, `${title}: ${name}`)
        assert.match(stdout, name)
      }
    }
    const names = result.parts.find(({ title }) => title === 'start of a box')?.rows.map(({ name }) => name) ?? []
    for (const name of ['empty program', 'floor', 'baked box', 'sidecar', 'unshare'])
      assert.ok(names.includes(name), name)
    // Another user starts, too, where it may read this checkout.
    const remembered = result.parts.filter(({ reference }) => reference === 'first start')
    assert.ok(remembered.length > 0)
    for (const { rows } of remembered)
      assert.equal(rows.map(({ name }) => name).slice(0, 2), ['first start', 'later start'])
    for (const runtime of ['Bun', 'Node.js'])
      assert.ok(
        result.parts.some(({ title }) => title === `a box from a program, ${runtime}`),
        runtime,
      )
    assert.equal(
      result.byMounts.find(({ name }) => name === 'nsbox')?.times.map(([count]) => count),
      [1, 10],
    )
    assert.ok(result.targets.length >= 12)
    for (const text of ['unpacking, tar (zstd): nsbox / GNU tar', 'start: image of the cache / podman run'])
      assert.ok(
        result.targets.some((target) => target.text === text),
        text,
      )
    const memory = result.targets.filter(({ text }) => text.startsWith('memory while unpacking'))
    assert.ok(
      memory.some(({ value }) => value !== null && value > 0),
      'memory of the unpacker',
    )
    for (const { text, met } of result.targets) assert.is(met, null, text)
    assert.equal(
      result.absent
        .filter(({ why }) => why === 'not asked for')
        .map(({ name }) => name)
        .sort(),
      [
        ...['GNU tar', 'crun', 'firejail', 'podman', 'proot', 'runc', 'sandbox-runtime', 'systemd-nspawn'],
        // Without the program that makes an image there is none to compare with.
        ...(Bun.which('umoci') !== null ? ['umoci'] : []),
        ...(Bun.which('mksquashfs') !== null ? ['unsquashfs'] : []),
      ],
    )
    assert.match(readFileSync(join(dir, 'start-by-mounts.svg'), 'utf8'), /^<svg [^]*<polyline [^]*<\/svg>\n$/)
  }),
)

test('an unknown flag of the benchmark is refused', () => {
  const { status, stderr } = execute(process.execPath, ['scripts/bench/main.ts', '--quik'], { cwd: top })
  assert.is.not(status, 0)
  assert.match(stderr, /quik/)
})

test('medians, quartiles and ratios of rounds are what they should be', () => {
  assert.equal(spread([4, 1, 3, 2, 5]), { median: 3, low: 2, high: 4 })
  assert.is(spread([1, 2]).median, 1.5)
  const times = new Map([
    ['a', [2, 20, 6]],
    ['b', [1, 5, 2]],
  ])
  assert.is(ratio(times, 'a', 'b').median, 3)
})

test('the table of docs/benchmarks.md names missed demands as well as met ones, and launchers that were not compared', () => {
  const result: Result = {
    date: '2026-01-02',
    machine: { kernel: '6.1', processor: 'x', cores: 2, memory: 4, user: 'root' },
    quick: false,
    byMounts: [],
    parts: [
      {
        title: 'start',
        unit: 'us',
        rounds: 9,
        reference: 'baked box',
        rows: [
          { name: 'baked box', spread: { median: 1, low: 1, high: 1 }, ratio: { median: 1, low: 1, high: 1 } },
          {
            name: 'other',
            release: '1.2',
            does: 'less',
            spread: { median: 2, low: 2, high: 2 },
            ratio: { median: 2.5, low: 2, high: 3 },
          },
        ],
      },
      {
        title: 'command line',
        unit: 'us',
        rounds: 4,
        reference: 'first start',
        rows: [
          {
            name: 'later start',
            does: 'remembered',
            spread: { median: 1, low: 1, high: 1 },
            ratio: { median: 0.25, low: 0.2, high: 0.3 },
          },
        ],
      },
      {
        title: 'not in the page',
        unit: 'us',
        rounds: 4,
        reference: 'another',
        rows: [{ name: 'x', spread: { median: 1, low: 1, high: 1 }, ratio: { median: 1, low: 1, high: 1 } }],
      },
    ],
    targets: [
      { text: 'one', value: 0.5, bound: 1, atLeast: false, met: true },
      { text: 'two', value: 2, bound: 1, atLeast: false, met: false },
      { text: 'three', value: null, bound: 1, atLeast: true, met: null },
    ],
    absent: [{ name: 'runc', why: 'not installed' }],
  }
  const text = readmeText(result)
  for (const line of [
    'median of the ratios of 9 rounds or fewer',
    '| start: other 1.2 | 2.50 | less |',
    '| how many times what the first start of a command line takes | | it does |',
    '| command line: later start | 0.250 | remembered |',
    '| one | 0.500 | <= 1 | met |',
    '| two | 2.00 | <= 1 | missed |',
    '| three | - | >= 1 | not measured |',
    'Not compared: runc (not installed).',
  ])
    assert.ok(text.includes(line), line)
  assert.not.match(text, 'not in the page')
  assert.match(machineText({ ...result, quick: true }), /QUICK/)
})

test('the plot has a line for each, from left to right and upwards', () => {
  const svg = plot([
    {
      name: 'a',
      times: [
        [1, 1000],
        [1000, 100000],
      ],
    },
    { name: 'b', times: [[1, 2000]] },
  ])
  assert.is(svg.match(/<polyline/g)?.length, 2)
  const [, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = (/points="([\d.]+),([\d.]+) ([\d.]+),([\d.]+)"/.exec(svg) ?? []).map(
    Number,
  )
  assert.ok(x2 > x1 && y2 < y1, svg)
})

test('each program of the benchmark is there', () => {
  for (const name of ['empty', 'floor', 'getppid', 'idle', 'pace'])
    assert.ok(existsSync(join(top, 'dist/bench', name)), name)
})

test.run()
