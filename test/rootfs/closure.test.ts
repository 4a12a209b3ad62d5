import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Closure } from '../../src/rootfs/closure.ts'
import { readElf } from '../../src/rootfs/elf.ts'
import { parseCache } from '../../src/rootfs/ldcache.ts'
import { cc, hasCc, inTemp, refusal, script } from './helpers.ts'

const LOADER = '/lib64/ld-linux-x86-64.so.2'
const only = (condition: boolean): typeof test | typeof test.skip => (condition ? test : test.skip)

function closureOf(...programs: string[]): string[] {
  const closure = new Closure(process.env['PATH'])
  for (const program of programs) closure.program(program)
  return [...closure.files].sort()
}

/** The loader's output: "name => path (address)" and "path (address)". */
function loaderList(program: string): string[] {
  const text = execFileSync(LOADER, ['--list', program], { encoding: 'utf8', env: {} })
  return [...text.matchAll(/^\t(?:.* => )?(\/\S+) \(/gm)].map((match) => match[1] ?? '')
}

for (const program of ['/bin/bash', '/bin/ls', '/usr/bin/gcc', '/usr/bin/perl', '/usr/bin/git', '/usr/bin/curl']) {
  only(existsSync(LOADER) && existsSync(program))(`the closure of ${program} is the loader's`, () => {
    const loaded = [...new Set([program, LOADER, ...loaderList(program)])].sort()
    // The C library opens the unwinder when a thread ends.
    const found = closureOf(program).filter((path) => loaded.includes(path) || !path.endsWith('/libgcc_s.so.1'))
    assert.equal(found, loaded)
  })
}

test('a name is looked up in PATH, a path is taken as it is', () => {
  assert.ok(closureOf('bash').some((path) => path.endsWith('/bash')))
  assert.match(
    refusal(() => closureOf('no-such-program')),
    'SandboxError: rootfs: program not found in PATH: no-such-program',
  )
  assert.match(
    refusal(() => closureOf('./no-such-program')),
    'No such file or directory (ENOENT)',
  )
})

test(
  'a script brings its interpreters',
  inTemp((dir) => {
    const one = script(join(dir, 'one'), '#!/bin/sh -e\nexit\n')
    const two = script(join(dir, 'two'), `#! ${one}\n`)
    const three = script(join(dir, 'three'), '#!/usr/bin/env bash\n')
    const four = script(join(dir, 'four'), '#!/usr/bin/env -S A=b -u X bash -e\n')
    const found = closureOf(two)
    for (const path of [one, two, '/bin/sh']) assert.ok(found.includes(path), path)
    for (const path of [three, four]) {
      const files = closureOf(path)
      assert.ok(files.includes('/usr/bin/env'))
      assert.ok(files.some((file) => file.endsWith('/bash')))
    }
  }),
)

test(
  'scripts are nested four deep and no deeper',
  inTemp((dir) => {
    let last = '/bin/sh'
    for (const n of [1, 2, 3, 4]) last = script(join(dir, `s${n}`), `#!${last}\n`)
    assert.is(closureOf(last).filter((path) => path.startsWith(dir)).length, 4)
    const five = script(join(dir, 's5'), `#!${last}\n`)
    assert.match(
      refusal(() => closureOf(five)),
      'nested too deeply',
    )
    const self = join(dir, 'self')
    assert.match(
      refusal(() => closureOf(script(self, `#!${self}\n`))),
      'nested too deeply',
    )
    const circle = join(dir, 'circle')
    assert.ok(closureOf(script(circle, `#!/usr/bin/env ${circle}\n`)).includes(circle))
  }),
)

test(
  'a file that is not a program is refused',
  inTemp((dir) => {
    assert.match(
      refusal(() => closureOf(script(join(dir, 'text'), 'hello\n'))),
      'neither an ELF program nor a script',
    )
    assert.match(
      refusal(() => closureOf(script(join(dir, 'empty'), ''))),
      'neither an ELF program nor a script',
    )
    writeFileSync(join(dir, 'plain'), '#!/bin/sh\n')
    assert.match(
      refusal(() => closureOf(join(dir, 'plain'))),
      'not executable',
    )
    assert.match(
      refusal(() => closureOf(`${dir}/`)),
      'not a regular file',
    )
    assert.match(
      refusal(() => closureOf(script(join(dir, 'relative'), '#!sh\n'))),
      'not an absolute path',
    )
    assert.match(
      refusal(() => closureOf(script(join(dir, 'gone'), '#!/no/such\n'))),
      '/no/such',
    )
  }),
)

test(
  'a corrupt ELF file gives a clear error wherever it is cut or changed',
  inTemp((dir) => {
    const file = join(dir, 'program')
    const whole = readFileSync('/bin/ls')
    for (const length of [4, 15, 40, 64, 200, 2000, Math.floor(whole.length / 2)]) {
      script(file, '')
      writeFileSync(file, whole.subarray(0, length))
      if (length < 200)
        assert.match(
          refusal(() => readElf(file)),
          /^SandboxError: rootfs: malformed ELF file: .*program/,
        )
    }
    for (let at = 4; at < 1200; at++) {
      const bytes = Buffer.from(whole.subarray(0, 40000))
      bytes[at] = 0xff
      writeFileSync(file, bytes)
      try {
        readElf(file)
      } catch (error) {
        assert.is((error as Error).name, 'SandboxError', `byte ${at}: ${error}`)
      }
    }
  }),
)

only(hasCc)(
  'a missing library is named, and who needs it',
  inTemp((dir) => {
    const library = cc('int f(void) { return 1; }', join(dir, 'libgone.so'), '-shared', '-fPIC')
    const program = cc(
      'int f(void); int main(void) { return f(); }',
      join(dir, 'program'),
      `-L${dir}`,
      '-lgone',
      `-Wl,-rpath,${dir}`,
    )
    assert.ok(closureOf(program).includes(library))
    rmSync(library)
    assert.is(
      refusal(() => closureOf(program)),
      'SandboxError: rootfs: library libgone.so not found, needed by: ' + program,
    )
  }),
)

only(hasCc)(
  'RUNPATH with $ORIGIN serves its own file, RPATH those below it too',
  inTemp((dir) => {
    const lib = join(dir, 'lib')
    mkdirSync(lib)
    mkdirSync(join(dir, 'bin'))
    cc('int inner(void) { return 1; }', join(lib, 'libinner.so'), '-shared', '-fPIC')
    cc(
      'int inner(void); int outer(void) { return inner(); }',
      join(lib, 'libouter.so'),
      '-shared',
      '-fPIC',
      `-L${lib}`,
      '-linner',
    )
    const main = 'int outer(void); int main(void) { return outer(); }'
    const flags = (tags: string): string[] => [
      `-L${lib}`,
      '-louter',
      `-Wl,-rpath-link,${lib}`,
      '-Wl,-rpath,$ORIGIN/../lib',
      `-Wl,--${tags}-new-dtags`,
    ]
    const run = cc(main, join(dir, 'bin/run'), ...flags('enable'))
    assert.match(
      refusal(() => closureOf(run)),
      `library libinner.so not found, needed by: ${dir}/bin/../lib/libouter.so`,
    )
    const old = cc(main, join(dir, 'bin/old'), ...flags('disable'))
    const found = closureOf(old)
    for (const name of ['libinner.so', 'libouter.so']) assert.ok(found.includes(`${dir}/bin/../lib/${name}`), name)
    assert.equal(found, [...new Set([old, LOADER, ...loaderList(old)])].sort())
  }),
)

only(hasCc)(
  'a library of another class or machine does not count',
  inTemp((dir) => {
    const library = cc('int f(void) { return 1; }', join(dir, 'libf.so'), '-shared', '-fPIC')
    const program = cc(
      'int f(void); int main(void) { return f(); }',
      join(dir, 'program'),
      `-L${dir}`,
      '-lf',
      `-Wl,-rpath,${dir}`,
    )
    const bytes = readFileSync(library)
    bytes.writeUInt16LE(8, 18)
    writeFileSync(library, bytes)
    assert.match(
      refusal(() => closureOf(program)),
      'library libf.so not found',
    )
  }),
)

only(hasCc)(
  'a static program needs only itself',
  inTemp((dir) => {
    const program = cc('int main(void) { return 0; }', join(dir, 'program'), '-static')
    assert.equal(closureOf(program), [program])
  }),
)

test(
  'no program is executed',
  inTemp((dir) => {
    const mark = join(dir, 'mark')
    closureOf(script(join(dir, 'marker'), `#!/bin/sh\ntouch ${mark}\n`))
    if (hasCc)
      closureOf(cc(`#include <stdio.h>\nint main(void) { return !fopen("${mark}", "w"); }`, join(dir, 'program')))
    // A loader that would leave a mark if it were run, as ldd would do.
    const loader = join(dir, 'loader')
    copyFileSync('/bin/true', loader)
    if (hasCc) closureOf(cc('int main(void) { return 0; }', join(dir, 'odd'), `-Wl,--dynamic-linker=${loader}`))
    assert.not(existsSync(mark))
  }),
)

test('a cut or foreign cache is ignored, or counts as a shorter one', () => {
  assert.is(parseCache(Buffer.from('something else')).size, 0)
  if (!existsSync('/etc/ld.so.cache')) return
  const whole = readFileSync('/etc/ld.so.cache')
  assert.ok(parseCache(whole).has('libc.so.6'))
  const old = Buffer.alloc(16 + 12 + 4)
  old.write('ld.so-1.7.0')
  old.writeUInt32LE(1, 12)
  assert.equal(parseCache(Buffer.concat([old, whole])), parseCache(whole))
})

test.run()
