/** The files that a command may get as its descriptors 0 to 2. */
import { closeSync, constants, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box } from '../../src/index.ts'
import { busyboxRoot, execute, inTemp, NSBOX, nsbox, planOf, SIDECAR } from '../helpers/nsbox.ts'

const O_PATH = 0o10000000
const REFUSED =
  /^nsbox: descriptors: is (a directory|opened by O_PATH), [^\n]*: standard (input|output)\nhint: [^\n]*\n$/

/** Both kinds of descriptors through which a box could reach the host, as each of 0 to 2. */
function each(dir: string, body: (stdio: (number | 'pipe')[], fd: number) => void): void {
  writeFileSync(join(dir, 'file'), '')
  for (const [path, flags] of [
    [dir, constants.O_RDONLY],
    [dir, O_PATH],
    [join(dir, 'file'), O_PATH],
  ] as const) {
    for (const number of [0, 1, 2]) {
      const fd = openSync(path, flags)
      try {
        body(
          [0, 1, 2].map((one) => (one === number ? fd : 'pipe')),
          number,
        )
      } finally {
        closeSync(fd)
      }
    }
  }
}

for (const flags of [[], ['--no-init'], ['--ro'], ['--share', 'pid'], ['--privileged', '--quiet']]) {
  test(
    `a directory of the host as input, output or error output is refused (${flags.join(' ') || 'by default'})`,
    inTemp((dir) =>
      each(dir, (stdio, fd) => {
        const { status, stdout, stderr } = nsbox([...flags, 'sh', '-c', 'echo started'], { stdio })
        assert.is(status, 125)
        assert.is(fd === 1 ? '' : stdout, '')
        if (fd !== 2 && !flags.includes('--quiet')) assert.match(stderr, REFUSED)
      }),
    ),
  )
}

test(
  'the sidecar, a baked program, nsbox enter and the library refuse it too, and nothing is made before',
  inTemp(async (dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    writeFileSync(join(dir, 'plan'), JSON.stringify(planOf(['--root', root, '--dir', '/made', 'true'])))
    assert.is(nsbox(['bake', '-o', join(dir, 'baked'), '--root', root, '--dir', '/made', 'true']).status, 0)
    await using live = await box({ root }).open()
    mkdirSync(join(dir, 'd'))
    each(join(dir, 'd'), (stdio, fd) => {
      const refused = ({ status, stderr }: { status: number | null; stderr: string }, as = REFUSED) => {
        assert.is(status, 125)
        if (fd !== 2) assert.match(stderr, as)
      }
      refused(execute(SIDECAR, ['--plan', join(dir, 'plan')], { stdio }))
      refused(execute(join(dir, 'baked'), [], { stdio }))
      refused(execute(NSBOX, ['enter', String(live.pid), 'true'], { stdio }))
      const { error } = box({ root, dir: ['/made'] }).spawnSync('true', [], { stdio })
      assert.is((error as { step?: string } | undefined)?.step, 'descriptors')
    })
    assert.is(execute('test', ['-e', join(root, 'made')]).status, 1)
  }),
)

test(
  'files, pipes, /dev/null and closed descriptors are allowed',
  inTemp((dir) => {
    writeFileSync(join(dir, 'file'), 'content\n')
    const shell = (script: string) => execute('bash', ['-c', script, NSBOX], { cwd: dir })
    assert.is(shell('"$0" cat < file').stdout, 'content\n')
    assert.is(shell('cat file | "$0" cat').stdout, 'content\n')
    assert.is(shell('"$0" cat < /dev/null').status, 0)
    assert.is(shell('"$0" sh -c "echo out; exit 3" <&- 2>&-').stdout, 'out\n')
    assert.is(shell('"$0" --no-init cat <> file').stdout, 'content\n')
  }),
)

test(
  "a file that is given by a pipe can't be opened for writing from inside",
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const write = (how: string) => execute('bash', ['-c', how, NSBOX, root], { cwd: dir })
    const inside = `"$0" --root "$1" sh -c 'echo changed > /proc/self/fd/0'`
    for (const how of [`cat file | ${inside}`, `${inside} < <(cat file)`]) {
      writeFileSync(join(dir, 'file'), 'content\n')
      write(how)
      assert.is(execute('cat', [join(dir, 'file')]).stdout, 'content\n')
    }
  }),
)

test.run()
