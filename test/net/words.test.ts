/**
 * Which addresses nsbox-net takes for public, and which words for names, compared with what others say: the ranges of
 * ipaddr.js, and a regular expression. NSBOX_TEST_ADDRESSES=2000000 tries more.
 */
// runs once
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ipaddr from 'ipaddr.js'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../../src/errors.ts'
import { allowedHost } from '../../src/options/network.ts'
import { BIN } from '../helpers/nsbox.ts'

const COUNT = Number(process.env.NSBOX_TEST_ADDRESSES ?? 100000)

/** The same numbers in each run: mulberry32. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}

function read(lines: readonly string[]): string[] {
  const { stdout, status } = spawnSync(join(BIN, 'net_words'), {
    input: `${lines.join('\n')}\n`,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  assert.is(status, 0)
  return stdout.split('\n').slice(0, lines.length)
}

/** Beginnings of ranges, so that addresses at their edges are common. */
const EDGES4 = [0, 10, 100, 127, 169, 172, 192, 198, 203, 224, 239, 240, 255]
const SECOND4 = [0, 16, 18, 19, 20, 31, 32, 51, 52, 63, 64, 88, 127, 128, 168, 175, 254]
const EDGES6 = [0, 0x64, 0x100, 0x2001, 0x2002, 0x2003, 0x2620, 0x3ffe, 0x3fff, 0x5f00, 0xfc00, 0xfe80, 0xfec0, 0xff02]
const SECOND6 = [0, 1, 2, 3, 4, 0x10, 0x20, 0x30, 0x1ff, 0x200, 0xdb8, 0xff9b, 0xffff]

const oneOf = <T>(list: readonly T[], number: number): T => list[number % list.length] as T

function address4(next: () => number): string {
  const known = next() % 4 > 0
  const first = known ? oneOf(EDGES4, next()) : next() % 256
  const second = known ? oneOf(SECOND4, next()) : next() % 256
  const third = next() % 3 ? oneOf([0, 2, 99, 100, 113, 193, 196, 48], next()) : next() % 256
  return [first, second, third, next() % 5 ? next() % 256 : 255].join('.')
}

function address6(next: () => number): string {
  const words = Array.from({ length: 8 }, () => (next() % 2 ? 0 : next() % 65536))
  if (next() % 4) words[0] = oneOf(EDGES6, next())
  if (next() % 2) words[1] = oneOf(SECOND6, next())
  if (next() % 4 === 0) words.fill(0, 0, 5)
  if (next() % 8 === 0) words[5] = 0xffff
  return words.map((word) => word.toString(16)).join(':')
}

test('an address that ipaddr.js knows to be special is never public, and no public one is refused', () => {
  const next = numbers(17)
  const addresses = Array.from({ length: COUNT }, (_, n) => (n % 2 ? address6(next) : address4(next)))
  const ours = read(addresses)
  const wrong = addresses.filter((address, n) => {
    const parsed = ipaddr.parse(address)
    // It takes all of IPv6 for public that no registry names; in use is 2000::/3 alone.
    const inUse = parsed.kind() === 'ipv4' || (parsed.toByteArray()[0] ?? 0) >> 5 === 1
    return (ours[n] === 'public') !== (parsed.range() === 'unicast' && inUse)
  })
  assert.equal(
    wrong.slice(0, 20).map((address) => `${address} ${ipaddr.parse(address).range()}`),
    [],
  )
  assert.ok(ours.includes('public'))
})

/** As RFC 1035 has names, with "_"; the last part is no number of inet_aton(3). */
const NAME = /^(?=.{1,253}$)(?:[a-z0-9_-]{1,63}\.)*(?!(?:\d*|0x[0-9a-f]*)$)[a-z0-9_-]{1,63}$/

test('words that hide an address, a user or another name are no names', () => {
  const next = numbers(4)
  const parts = [
    'a',
    'B',
    'com',
    'x-y',
    '_d',
    '0',
    '127',
    '0x7f',
    '0x',
    '1e1',
    '.',
    '..',
    '@',
    ':',
    '/',
    '%',
    '*',
    ' ',
    '[',
    ']',
  ]
  const odd = [
    ...parts,
    '\\',
    'ü',
    '\u3002',
    '\u0131',
    '\x00',
    '\x7f',
    'a'.repeat(63),
    'b'.repeat(64),
    '-',
    "'",
    '"',
    '?',
    '#',
  ]
  const words = Array.from({ length: COUNT }, () =>
    Array.from(
      { length: 1 + (next() % 6) },
      () => oneOf(next() % 3 ? parts : odd, next()) + (next() % 2 ? '.' : ''),
    ).join(''),
  )
  const ours = read(words.map((word) => `=${word}`))
  const wrong = words.filter((word, n) => {
    const name = word.replace(/\.$/, '').replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    // A line ends for the program where C's text ends.
    return !word.includes('\x00') && ours[n] !== (NAME.test(name) ? name : '-')
  })
  assert.equal(wrong.slice(0, 20), [])
})

const RULES = JSON.parse(readFileSync(new URL('../fixtures/network-rules.json', import.meta.url), 'utf8')) as {
  both: string[]
  refused: string[]
  refusedLater: string[]
}

/** Whether the front end takes the text for a rule, and the one form that it gives it. */
function readByFrontEnd(text: string): string | undefined {
  try {
    return allowedHost(text)
  } catch (error) {
    if (error instanceof UsageError) return undefined
    throw error
  }
}

const readByProgram = (texts: readonly string[]): boolean[] =>
  read(texts.map((text) => `~${text}`)).map((line) => !line.startsWith('-'))

test('the front end and nsbox-net read a rule alike', () => {
  const { both, refused, refusedLater } = RULES
  assert.ok(both.length > 10 && refused.length > 20 && refusedLater.length > 4)
  for (const [texts, first, then] of [
    [both, true, true],
    [refused, false, false],
    [refusedLater, true, false],
  ] as const) {
    const forms = texts.map(readByFrontEnd)
    assert.equal(
      texts.filter((_, n) => (forms[n] !== undefined) !== first),
      [],
    )
    // What the front end refuses has no form of its own.
    const taken = readByProgram(texts.map((text, n) => forms[n] ?? text))
    assert.equal(
      texts.filter((_, n) => taken[n] !== then),
      [],
    )
  }
})

test('what the front end takes by chance, nsbox-net takes, and what it refuses is refused', () => {
  const next = numbers(7)
  const pieces = [
    'a',
    'b-',
    '-',
    '_',
    '.',
    '*.',
    '*',
    '1',
    '0x',
    'é',
    '%',
    'localhost',
    'x'.repeat(62),
    '[',
    ']',
    ' ',
    '@',
  ]
  const texts = Array.from({ length: 5000 }, () => {
    const name = Array.from({ length: 1 + (next() % 5) }, () => oneOf(pieces, next())).join('')
    return `${name}:${oneOf(['1', '443', '65535', '0', '65536', '01', ''], next())}`
  })
  const forms = texts.map(readByFrontEnd)
  const taken = readByProgram(texts.map((text, n) => forms[n] ?? text))
  assert.equal(
    texts.filter((_, n) => (forms[n] !== undefined) !== taken[n]),
    [],
  )
})

test.run()
