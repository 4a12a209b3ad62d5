/** The sidecar's file has the hardening that makes flaws hard to exploit. */
import { statSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, SIDECAR } from '../helpers/nsbox.ts'

function readelf(option: string): string {
  const { status, stdout, stderr } = execute('readelf', [option, '--wide', SIDECAR], {
    env: { ...process.env, LC_ALL: 'C' },
  })
  assert.is(status, 0, stderr)
  return stdout
}

type Segment = { type: string; offset: number; address: number; size: number; flags: string }

function segments(): Segment[] {
  const rows = [
    ...readelf('--segments').matchAll(/^ {2}([A-Z_]+) +(0x\w+) (0x\w+) 0x\w+ 0x\w+ (0x\w+) ([R ][W ][E ]) +0x/gm),
  ]
  return rows.map(([, type = '', offset, address, size, flags = '']) => ({
    type,
    offset: Number(offset),
    address: Number(address),
    size: Number(size),
    flags: flags.trim(),
  }))
}

const only = (type: string) => segments().filter((one) => one.type === type)

test('the sidecar lies at another address in each process, and needs no loader', () => {
  assert.match(readelf('--file-header'), /Type: +DYN /)
  assert.equal(only('INTERP'), [])
  assert.not.match(readelf('--dynamic'), /\(NEEDED\)/)
})

test('its stack is not executable, and nothing is both writable and executable', () => {
  assert.equal(
    only('GNU_STACK').map(({ flags }) => flags),
    ['RW'],
  )
  const loaded = only('LOAD')
  assert.ok(loaded.length >= 2, 'no segments found')
  assert.equal(
    loaded.filter(({ flags }) => flags.includes('W') && flags.includes('E')),
    [],
  )
})

test('all is relocated at the start, and no code is', () => {
  const dynamic = readelf('--dynamic')
  assert.match(dynamic, /FLAGS_1.*NOW/)
  assert.not.match(dynamic, /\((JMPREL|TEXTREL)\)/)
  const relocations = [...readelf('--relocs').matchAll(/^([0-9a-f]{16}) +[0-9a-f]+ (\S+)/gm)].map(
    ([, where, kind]) => ({ where: Number.parseInt(where ?? '', 16), kind }),
  )
  assert.ok(relocations.length > 0, 'no relocations found')
  assert.equal(
    [...new Set(relocations.map(({ kind }) => kind))].filter((kind) => !/_RELATIVE?$/.test(kind ?? '')),
    [],
  )
  const code = only('LOAD').filter(({ flags }) => !flags.includes('W'))
  assert.equal(
    relocations.filter(({ where }) => code.some(({ address, size }) => where >= address && where < address + size)),
    [],
  )
})

// Its data starts at a page of the file, so that it can be made read-only: the size changes by pages of 4096 bytes.
test('it is small, since a box starts by loading it', () => {
  const { size } = statSync(SIDECAR)
  assert.ok(size <= 150 * 1024, `${size} bytes`)
})

test.run()
