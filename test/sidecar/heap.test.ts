/** The sidecar's memory: pieces of any size keep their contents. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { join } from 'node:path'
import { BIN, execute } from '../helpers/nsbox.ts'

test('pieces of memory of all sizes, taken and freed in any order, keep apart', () => {
  const { status, stdout } = execute(join(BIN, 'heap'), [])
  assert.is(stdout, 'ok\n')
  assert.is(status, 0)
})

test.run()
