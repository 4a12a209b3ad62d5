/** The report: a line for each thing that reading shows to be missing, and none for what is there. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { summarize } from '../../src/rootfs/data-paths.ts'
import { noticeLine } from '../../src/rootfs/report.ts'
import { build, cc, hasCc, inTemp, script } from './helpers.ts'

const only = (condition: boolean): typeof test | typeof test.skip => (condition ? test : test.skip)

const isGlibc = existsSync('/lib64/ld-linux-x86-64.so.2') || existsSync('/lib/ld-linux-aarch64.so.1')

/** The notes about a path, without the path. */
function about(path: string, ...args: string[]): string[] {
  return build(...args)
    .filter((line) => line.startsWith('note: ') && line.includes(path))
    .map((line) => line.slice('note: '.length).replace(/: \/[^()]*?(?= \(|$)/, ''))
}

test(
  'a script, and LD_LIBRARY_PATH',
  inTemp((dir) => {
    const path = script(join(dir, 'script'), '#!/bin/sh\nls\n')
    const expected = ['is a script; what it starts or loads is not followed (name that too)']
    assert.equal(about(path, join(dir, 'root'), path), expected)
    const before = process.env.LD_LIBRARY_PATH
    process.env.LD_LIBRARY_PATH = '/opt/lib:/x'
    try {
      assert.ok(
        build(join(dir, 'root'), path).includes(
          'note: LD_LIBRARY_PATH is set, and is not used to find libraries: /opt/lib:/x',
        ),
      )
    } finally {
      if (before === undefined) delete process.env.LD_LIBRARY_PATH
      else process.env.LD_LIBRARY_PATH = before
    }
  }),
)

only(hasCc)(
  'a static program; one that starts others, by /bin/sh too; /dev/null and /proc',
  inTemp((dir) => {
    const quiet = cc('int main(void) { return 0; }', join(dir, 'quiet'))
    assert.equal(about(quiet, join(dir, 'q'), quiet), [])
    const fixed = cc('int main(void) { return 0; }', join(dir, 'fixed'), '-static', '-no-pie')
    assert.is(about(fixed, join(dir, 'f'), fixed)[0], 'is linked statically, so reading does not show what it opens')
    const starts = cc(
      `#include <stdio.h>
       #include <stdlib.h>
       int main(void) { return system("true") + !fopen("/dev/null", "r") + !fopen("/proc/self/maps", "r"); }`,
      join(dir, 'starts'),
    )
    const other = 'can start other programs, which reading does not show (name those that you need too)'
    const lines = [
      'runs commands by /bin/sh, which the root does not have (name sh too)',
      other,
      'names /dev/null, and the root has no /dev (run it with --dev)',
      'names /proc/, and the root has no /proc (run it with --proc)',
    ]
    assert.equal(about(starts, join(dir, 's'), starts), lines)
    assert.equal(about(starts, join(dir, 't'), starts, 'sh'), lines.slice(1))
  }),
)

only(hasCc && process.getuid?.() === 0 && spawnSync('sh', ['-c', 'command -v setcap']).status === 0)(
  'capabilities, which a copy does not keep and a hard link does',
  inTemp((dir) => {
    const path = cc('int main(void) { return 0; }', join(dir, 'tool'), '-static')
    const line = 'has capabilities here, which a copy does not keep'
    assert.not.ok(about(path, join(dir, 'a'), path).includes(line))
    assert.is(spawnSync('setcap', ['cap_net_raw+ep', path]).status, 0)
    assert.ok(about(path, join(dir, 'b'), path).includes(line))
    assert.not.ok(about(path, join(dir, 'c'), path, '--by', 'hardlink').includes(line))
  }),
)

only(hasCc && existsSync('/etc/passwd') && existsSync('/usr/share/zoneinfo') && existsSync('/etc/shells'))(
  'data whose path stands in a program or its library has a line, unless the root has it or another line is about it',
  inTemp((dir) => {
    cc('const char *data = "/etc/shells";', join(dir, 'libdata.so'), '-shared', '-fPIC')
    const program = cc(
      `extern const char *data;
       const char *others[] = { "/usr/share", "/etc/passwd", "/etc/there-is-no-such-file", "see /etc/shells.old" };
       int main(void) { return !data; }`,
      join(dir, 'program'),
      ...[`-L${dir}`, '-ldata', `-Wl,-rpath,${dir}`],
    )
    const about = (...args: string[]): string[] =>
      build(join(dir, 'root'), program, ...args).filter((line) => line.includes('is named by a program'))
    const line = 'note: is named by a program, is here, and is not in the root: /etc/shells (name it too, or use a set)'
    assert.equal(about(), [line])
    assert.equal(about('/etc/shells'), [])
  }),
)

only(hasCc && isGlibc)(
  'a library whose name stands in a program that opens libraries has a line, until the root has it',
  inTemp((dir) => {
    const other = cc('int f;', join(dir, 'libother.so.3'), '-shared', '-fPIC')
    const source = (open: string): string => `#include <dlfcn.h>
      const char *names[] = { "libother.so.3", "libnowhere.so.1", "see libother.so.3" };
      int main(int n, char **v) { return ${open} == names[n]; }`
    const flags = [`-Wl,-rpath,${dir}`, '-Wl,--no-as-needed']
    const opens = cc(source('dlopen(names[n], RTLD_NOW)'), join(dir, 'opens'), ...flags)
    const plain = cc(source('v[0]'), join(dir, 'plain'), ...flags)
    const lines = (...args: string[]): string[] =>
      build(join(dir, 'root'), ...args, '--dry-run').filter((line) => line.includes('may open'))
    const line = 'note: is a library that a program names and may open, and is not in the root'
    assert.equal(lines(opens), [`${line}: ${other} (name it too)`])
    assert.equal(lines(opens, other), [])
    assert.equal(lines(plain), [])
  }),
)

test('many paths of one package are named as its directory', () => {
  const files = (dir: string): string[] => ['1', '2', '3', '4', '5', '6'].map((name) => `${dir}/${name}`)
  const few = ['/usr/share/vim', '/usr/lib/x86_64-linux-gnu/engines-3', '/usr/lib/x86_64-linux-gnu/ossl-modules']
  assert.equal(
    [...summarize([...files('/usr/lib/go-1.19/src'), ...files('/usr/lib/x86_64-linux-gnu/a'), ...few])],
    ['/usr/lib/go-1.19', '/usr/lib/x86_64-linux-gnu/a', ...few],
  )
  assert.equal([...summarize(files('/usr/lib').concat(files('/etc')))], files('/usr/lib').concat(files('/etc')))
})

for (const [program, data] of [
  ['/usr/bin/git', '/usr/lib/git-core'],
  ['/usr/bin/gcc', '/usr/lib/gcc'],
  ['/usr/bin/gdb', '/usr/share/gdb'],
  ['/usr/bin/vim', '/usr/share/vim'],
  ['/usr/bin/man', '/usr/lib/man-db'],
] as const) {
  only(existsSync(program) && existsSync(data))(
    `what ${program} needs when it runs has a line: ${data}`,
    inTemp((dir) => {
      const lines = build(join(dir, 'root'), program, '--dry-run').filter((line) => line.startsWith('note: '))
      assert.ok(
        lines.some((line) => line.includes(` ${data}`)),
        lines.join('\n'),
      )
    }),
  )
}

test('a line names paths up to a length, and control characters as escapes', () => {
  const paths = ['/a\n', '/b'.repeat(90), '/c'.repeat(20), '/d']
  assert.is(
    noticeLine({ what: 'is odd', paths, hint: 'do x' }),
    `note: is odd: /a\\x0a, ${'/b'.repeat(90)} and 2 more (do x)`,
  )
  assert.is(noticeLine({ what: 'is odd', paths: ['/a'.repeat(150)] }), `note: is odd: ${'/a'.repeat(150)}`)
})

test.run()
