/** The unpacker has a memcpy(3) of its own, since decoders spend a part of their time in it. */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, execute } from '../helpers/nsbox.ts'

test('copies of each length, alignment and overlap are what they would be byte by byte', () => {
  const { stdout, status } = execute(join(BIN, 'copies'), [])
  assert.is(stdout, 'ok\n')
  assert.is(status, 0)
})

test.run()
