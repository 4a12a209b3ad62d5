// runs once
/** Packagers strip programs. What is left of nsbox has to run boxes, not to become another program or a crash. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inTemp, NSBOX } from '../helpers/nsbox.ts'

const ARM64 = join(NSBOX, '../arm64/nsbox')
const TOOLS: readonly (readonly [string, ...string[]])[] = [
  ['strip'],
  ['strip', '-g'],
  ['strip', '--remove-section=.comment', '--remove-section=.note'], // as dh_strip
  ['objcopy', '--strip-all'],
  ['llvm-strip'],
]

/** `test`, or, if a file or command isn't there, a test that is skipped and says so. */
function testWith(needed: string): typeof test | typeof test.skip {
  if (existsSync(needed) || Bun.which(needed) !== null) return test
  console.log(`skipped: ${needed} is not there`)
  return test.skip
}

for (const [tool, ...flags] of TOOLS)
  testWith(tool)(
    `a program is a working nsbox after ${[tool, ...flags].join(' ')}`,
    inTemp((dir) => {
      const program = join(dir, 'nsbox')
      copyFileSync(NSBOX, program)
      const stripped = spawnSync(tool, [...flags, program], { encoding: 'utf8' })
      assert.is(stripped.status, 0, stripped.stderr)
      assert.is.not(statSync(program).size, statSync(NSBOX).size, 'nothing was stripped')
      const { status, stdout, stderr } = spawnSync(program, ['--ro', 'sh', '-c', 'echo $$; exit 7'], {
        encoding: 'utf8',
      })
      assert.equal([status, stdout], [7, '2\n'], stderr)
    }),
  )

testWith(ARM64)(
  'the program for arm64 keeps its code and its payload, too',
  inTemp((dir) => {
    const program = join(dir, 'nsbox')
    copyFileSync(ARM64, program)
    const stripped = spawnSync('aarch64-linux-gnu-strip', [program], { encoding: 'utf8' })
    assert.is(stripped.status, 0, stripped.stderr)
    const { status, stdout, stderr } = spawnSync(
      'qemu-aarch64-static',
      ['-L', join(ARM64, '../guest'), program, '--version'],
      { encoding: 'utf8' },
    )
    assert.is(status, 0, stderr)
    assert.match(stdout, /^nsbox \d/)
  }),
)

test.run()
