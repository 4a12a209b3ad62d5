/** Tests of mounts by both mount interfaces. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, INTERFACES, inTemp, type Ran } from './nsbox.ts'

type Body = (
  box: (...args: string[]) => string,
  root: string,
  dir: string,
  raw: (args: readonly string[]) => Ran,
) => void

/**
 * Runs a test for each interface, in a busybox root. No mount may be left. `box` returns the output of a box that must
 * work.
 */
export function each(title: string, body: Body, directories?: readonly string[]): void {
  for (const { name, box } of INTERFACES) {
    test(
      `${title} (${name})`,
      inTemp((dir) => {
        const root = busyboxRoot(join(dir, 'r'), directories)
        const before = readFileSync('/proc/self/mountinfo', 'utf8')
        body(
          (...args) => {
            const { status, stdout, stderr } = box(args)
            assert.is(status, 0, `${args.join(' ')}\n${stderr}`)
            return stdout
          },
          root,
          dir,
          box,
        )
        assert.is(readFileSync('/proc/self/mountinfo', 'utf8'), before)
      }),
    )
  }
}
