// runs once
/** The progress of a pull: on a terminal, without one, and as JSON. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Progress } from '../../src/image/image.ts'
import { createReporter, styleFor, type ReporterOptions } from '../../src/image/progress.ts'
import { sizeText } from '../../src/text/size.ts'

const reference = 'registry.example/team/app:1'

function report(style: ReporterOptions['style'], columns = 80) {
  const state = { text: '', now: 0 }
  const reporter = createReporter({
    write: (text) => void (state.text += text),
    style,
    columns: () => columns,
    now: () => state.now,
  })
  const at = (milliseconds: number, progress: Omit<Progress, 'reference'>) => {
    state.now = milliseconds
    reporter.onProgress({ reference, ...progress })
  }
  /** The terminal's text now. */
  const line = () => state.text.split('\r\x1b[K').at(-1)
  return { state, reporter, at, line }
}

const layers = 3
const download = (layer: number, bytes: number, total: number) => ({
  event: 'download' as const,
  layer,
  layers,
  bytes,
  total,
})
const unpack = (layer: number, bytes: number, total: number) => ({
  ...download(layer, bytes, total),
  event: 'unpack' as const,
})

test('a terminal has one line, with layers, bytes, speed and the time left', () => {
  const { at, line, state, reporter } = report('terminal')
  at(0, { event: 'resolve' })
  assert.is(line(), `pull ${reference}`)
  at(0, download(1, 0, 30e6))
  at(0, download(2, 10e6, 70e6))
  at(1000, download(1, 5e6, 30e6))
  assert.is(line(), 'download: 0 of 2 layers, 15.0 MB of 100 MB, 5.0 MB/s, 17 s left')
  at(2000, download(1, 30e6, 30e6))
  assert.is(line(), 'download: 1 of 2 layers, 40.0 MB of 100 MB, 15.0 MB/s, 4 s left')
  at(2050, download(2, 60e6, 70e6))
  assert.match(line() ?? '', /40\.0 MB/, 'drawn ten times a second at most')
  at(3000, { event: 'wait', reason: '429 Too Many Requests', seconds: 6.2 })
  assert.is(line(), 'wait: 429 Too Many Requests, again in 7 s')
  at(4000, download(2, 70e6, 70e6))
  assert.is(line(), 'unpack: 0 of 3 layers, 0 B of 100 MB')
  at(5000, unpack(2, 70e6, 70e6))
  assert.is(line(), 'unpack: 1 of 3 layers, 70.0 MB of 100 MB')
  reporter.end()
  assert.is(line(), '')
  assert.not.match(state.text, /\n/)
})

test('the last of a burst of bytes shows soon, though no more come', async () => {
  const { at, line, reporter } = report('terminal')
  at(0, download(1, 0, 9e6))
  at(50, download(1, 3e6, 9e6))
  assert.match(line() ?? '', / 0 B of/)
  while (!/3\.0 MB of/.test(line() ?? '')) await new Promise((resolve) => setTimeout(resolve, 10))
  reporter.end()
  assert.is(line(), '')
})

test('the speed is that of the last seconds, and what was there before does not count', () => {
  const { at, line } = report('terminal')
  at(0, download(1, 500e6, 1000e6))
  for (let second = 1; second <= 20; second++) at(second * 1000, download(1, 500e6 + second * 1e6, 1000e6))
  assert.match(line() ?? '', /520 MB of 1\.0 GB, 1\.0 MB\/s, 8:00 left$/)
  at(40_000, download(1, 520e6, 1000e6))
  at(50_000, download(1, 520e6, 1000e6))
  assert.match(line() ?? '', /, 0 B\/s$/)
})

test('the line is never as wide as the terminal', () => {
  const { at, line } = report('terminal', 20)
  at(0, { event: 'resolve' })
  assert.is(line(), `pull ${reference}`.slice(0, 19))
})

test('without a terminal each step is a line', () => {
  const { at, state, reporter } = report('lines')
  at(0, { event: 'resolve' })
  for (const bytes of [0, 5, 10]) at(0, download(1, bytes, 10))
  at(0, { event: 'wait', reason: 'another nsbox downloads this layer' })
  for (const bytes of [0, 10, 10]) at(0, unpack(1, bytes, 10))
  at(0, { event: 'done' })
  reporter.end()
  assert.is(
    state.text,
    `pull ${reference}\ndownloaded layer 1 of 3, 10 B\nwait: another nsbox downloads this layer\nunpacked layer 1 of 3\n`,
  )
})

test('as JSON each event is a line; those of one layer come four times a second at most, and the last always', () => {
  const { at, state } = report('json')
  at(0, { event: 'resolve' })
  for (let bytes = 0; bytes <= 100; bytes++) at(bytes * 10, download(1, bytes, 100))
  at(2000, { event: 'done' })
  const events = state.text
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text) as Progress)
  assert.equal(
    events.map(({ event, bytes }) => `${event} ${bytes}`),
    ['resolve undefined', 'download 0', 'download 25', 'download 50', 'download 75', 'download 100', 'done undefined'],
  )
  assert.ok(events.every((event) => event.reference === reference))
})

test('--quiet shows nothing; a terminal that can not draw gets lines', () => {
  const { at, state, reporter } = report('silent')
  at(0, { event: 'resolve' })
  at(0, download(1, 10, 10))
  reporter.end()
  assert.is(state.text, '')
  assert.is(styleFor(true, true, true, 'xterm'), 'silent')
  assert.is(styleFor(false, true, true, 'xterm'), 'json')
  assert.is(styleFor(false, false, true, 'xterm'), 'terminal')
  assert.is(styleFor(false, false, true, 'dumb'), 'lines')
  assert.is(styleFor(false, false, false, 'xterm'), 'lines')
})

test('sizes have three digits', () => {
  const expected = {
    0: '0 B',
    999: '999 B',
    1000: '1.0 kB',
    99949: '99.9 kB',
    99960: '100 kB',
    999499: '999 kB',
    999500: '1.0 MB',
  }
  for (const [bytes, text] of Object.entries(expected)) assert.is(sizeText(Number(bytes)), text)
  assert.is(sizeText(12e12), '12.0 TB')
})

test.run()
