/** What is done otherwise, or refused, where the kernel is older. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import { isRelease } from '../../src/host/bun.ts'
import { needsScratch } from '../../src/image/kernel.ts'
import type { HostFacts } from '../../src/host/types.ts'
import type { Options } from '../../src/options/types.ts'
import { plan, ROOT } from '../planner/machine.ts'

const about = (release: string, uid: number, options: Options = {}) =>
  needsScratch(options, { uid, isKernel: (...version) => isRelease(`${release}\n`, ...version) }, 'host/app:1')

test('root needs nothing newer, unless its box has a user namespace', () => {
  for (const release of ['5.10.0-30-amd64', '6.1.0', '6.6']) assert.is(about(release, 0), false)
  assert.is(about('6.1.0-25-amd64', 0, { userns: true }), true)
  assert.is(about('6.1.0', 0, { mapRoot: true }), true)
})

test('before Linux 6.6 ordinary users need a disk for changes that vanish', () => {
  assert.is(about('5.15.0-100-generic', 1000), true)
  assert.is(about('6.5.13', 1000, { overlay: true }), true)
  for (const options of [{ overlay: '/state' }, { ro: true }]) assert.is(about('6.1.0', 1000, options), false)
  for (const release of ['6.6.0', '6.12', '7.0.1', '10.2']) assert.is(about(release, 1000), false)
})

test('so do they for the overlay of a directory, whose changes then go below the cache', () => {
  const rootOn = (release: string, options: Options, facts: Partial<HostFacts> = {}) =>
    plan({ root: 'r', ...options }, { isKernel: (...version) => isRelease(release, ...version), ...facts }).root
  const cache = mkdtempSync(join(tmpdir(), 'nsbox-'))
  const facts = {
    uid: process.getuid?.() ?? 0,
    variable: (name: string) => (name === 'NSBOX_CACHE' ? cache : undefined),
  }
  try {
    const old = rootOn('6.5.1', { overlay: true, mapRoot: true }, facts)
    assert.is(old.type === 'layers' && old.scratch, `${cache}/images/v1/layers/one`)
    for (const [release, options] of [
      ['6.6.1', { overlay: true, mapRoot: true }],
      ['6.5.1', { overlay: true, mapRoot: true, ro: true }],
      ['6.5.1', { overlay: '/state', mapRoot: true }],
      ['5.10.1', { overlay: true, mapRoot: true }],
    ] as const) {
      const root = rootOn(release, options, facts)
      assert.is(root.type === 'layers' && root.scratch, undefined, release)
    }
    const byRoot = rootOn('6.5.1', { overlay: true }, ROOT)
    assert.is(byRoot.type === 'layers' && byRoot.scratch, undefined)
  } finally {
    rmSync(cache, { recursive: true })
  }
})

test('before Linux 5.11 an ordinary user gets an error with another way', () => {
  for (const release of ['5.4.0', '5.10.262-1'])
    assert.throws(
      () => about(release, 1000),
      (error: unknown) =>
        error instanceof SandboxError && error.hint?.startsWith('nsbox image unpack host/app:1 DIR ') === true,
    )
})

test.run()
