/** Hundreds of boxes, some killed at random moments: `make soak` runs thousands of them. */
// seconds: 100
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute } from '../helpers/nsbox.ts'

test('after many boxes, some of them killed while they start or run, nothing is left and every status was right', () => {
  const { status, stdout, stderr } = execute(
    process.execPath,
    [join(resolve(import.meta.dir, '../..'), 'scripts/soak.ts'), '300'],
    { timeout: 90000 },
  )
  assert.match(stdout, /^seed \d+\n300 boxes, \d+ killed, seed \d+: \d+ a second; 0 wrong\n$/, stdout + stderr)
  assert.is(status, 0, stdout + stderr)
})

test.run()
