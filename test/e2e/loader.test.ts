/** The program loads the C library itself, by the loader that the kernel would take. What may be wrong with that. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, execute, inTemp, NSBOX, nsbox } from '../helpers/nsbox.ts'

const LOADER = process.arch === 'x64' ? '/lib64/ld-linux-x86-64.so.2' : '/lib/ld-linux-aarch64.so.1'
const ASIDE = { env: { ...process.env, NSBOX_REMEMBER: '0' } }

test(
  'where the loader of glibc is missing or is none, a sentence says so',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const inside = () => nsbox(['--root', root, '--ro-bind', `${NSBOX}:/bin/nsbox`, '/bin/nsbox', '--version'])
    const absent = inside()
    assert.is(
      absent.stderr,
      `nsbox: start: loader of the C library: ${LOADER}: No such file or directory (ENOENT)\nhint: this program needs glibc; where there is musl, as on Alpine, install the npm package\n`,
    )
    assert.is(absent.status, 125)
    mkdirSync(join(root, dirname(LOADER)), { recursive: true })
    const real = readFileSync(LOADER)
    for (const [name, content] of [
      ['empty', Buffer.alloc(0)],
      ['a script', Buffer.from('#!/bin/sh\n')],
      ['cut off', real.subarray(0, 64)],
      ['for another machine', Buffer.concat([real.subarray(0, 18), Buffer.from([3, 0]), real.subarray(20)])],
    ] as const) {
      writeFileSync(join(root, LOADER), content)
      const { status, stderr } = inside()
      assert.is(
        stderr,
        `nsbox: start: loader of the C library: ${LOADER}: can't be loaded\nhint: the file has to be readable, on a mount without noexec\n`,
        name,
      )
      assert.is(status, 125)
    }
    writeFileSync(join(root, LOADER), real)
    assert.match(inside().stderr, /error while loading shared libraries/)
  }),
)

test('the program can be started by the loader, which also lists its libraries', () => {
  const { stdout, stderr } = execute(LOADER, [NSBOX, '--ro', 'echo', 'in the box'], ASIDE)
  assert.is(stdout, 'in the box\n', stderr)
  for (const libraries of [execute('ldd', [NSBOX], ASIDE), execute(LOADER, ['--list', NSBOX], ASIDE)])
    assert.match(libraries.stdout, /libc\.so\.6 => \//, libraries.stderr)
})

test('variables of the loader have their effect on a start that is not remembered', () => {
  const { stderr } = execute(NSBOX, ['true'], { env: { ...ASIDE.env, LD_DEBUG: 'libs' } })
  assert.match(stderr, /calling init: .*libc\.so\.6/)
})

test('the loader is at another address each time', () => {
  const addressOfLoader = () =>
    execute(NSBOX, [], { env: { ...ASIDE.env, LD_TRACE_LOADED_OBJECTS: '1' } }).stdout.match(/ld-linux.*(0x\w+)/)?.[1]
  const [once, twice] = [addressOfLoader(), addressOfLoader()]
  assert.type(once, 'string')
  assert.is.not(once, twice)
})

test.run()
