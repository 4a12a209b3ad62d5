/** Warnings and refusals where the kernel is older. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import { kernelWarning } from '../../src/image/kernel.ts'
import type { Options } from '../../src/options/types.ts'

const about = (release: string, uid: number, options: Options = {}) =>
  kernelWarning(options, { uid, read: () => ({ text: `${release}\n` }) }, 'host/app:1')

test('root needs nothing newer, unless its box has a user namespace', () => {
  for (const release of ['5.10.0-30-amd64', '6.1.0', '6.6']) assert.is(about(release, 0), undefined)
  assert.match(about('6.1.0-25-amd64', 0, { userns: true }) ?? '', /Linux 6\.6/)
  assert.match(about('6.1.0', 0, { mapRoot: true }) ?? '', /Linux 6\.6/)
})

test('changes in memory have a limit before Linux 6.6 for an ordinary user, who is told the way out', () => {
  assert.match(about('5.15.0-100-generic', 1000) ?? '', /--overlay=DIR/)
  assert.match(about('6.5.13', 1000, { overlay: true }) ?? '', /--overlay=DIR/)
  for (const options of [{ overlay: '/state' }, { ro: true }]) assert.is(about('6.1.0', 1000, options), undefined)
  for (const release of ['6.6.0', '6.12', '7.0.1', '10.2']) assert.is(about(release, 1000), undefined)
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
