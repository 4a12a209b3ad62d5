/** Files that are opened at run time, found by reading: the unwinder, `.note.dlopen`, and what the C library opens. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readDlopenNotes } from '../../src/rootfs/dlopen-notes.ts'
import { readElf } from '../../src/rootfs/elf.ts'
import { build, cc, hasCc, inRoot, inTemp, runsRoots } from './helpers.ts'

const only = (condition: boolean): typeof test | typeof test.skip => (condition ? test : test.skip)
const isGlibc = existsSync('/lib64/ld-linux-x86-64.so.2') || existsSync('/lib/ld-linux-aarch64.so.1')

const THREAD = `
#include <pthread.h>
#include <stdio.h>
static void *end(void *a) { pthread_exit(a); }
int main(void) { pthread_t t; pthread_create(&t, 0, end, 0); pthread_join(t, 0); return puts("ended") < 0; }`

only(hasCc && isGlibc)(
  'a thread that ends by pthread_exit finds libgcc_s.so.1 in the root',
  inTemp((dir) => {
    const program = cc(THREAD, join(dir, 'thread'), '-pthread')
    assert.equal(readElf(program)?.imports, ['pthread_exit'])
    assert.not.ok(readElf(program)?.needed.includes('libgcc_s.so.1'))
    build(join(dir, 'root'), program)
    assert.ok(namesBelow(join(dir, 'root')).includes('libgcc_s.so.1'))
    if (runsRoots) assert.equal(inRoot(join(dir, 'root'), program), { status: 0, stdout: 'ended\n', stderr: '' })
    // A program that ends no thread brings no unwinder.
    build(join(dir, 'without'), cc('int main(void) { return 0; }', join(dir, 'plain')))
    assert.not.ok(namesBelow(join(dir, 'without')).includes('libgcc_s.so.1'))
  }),
)

only(hasCc && isGlibc)(
  'imports are the symbols without a definition, by whichever hash table',
  inTemp((dir) => {
    // The second name ends as a function that means something does, and the third is a definition.
    const source = `#include <pwd.h>
      void my_dlopen(void) {}
      void tzset(void) {}
      int main(void) { my_dlopen(); tzset(); return getpwuid(0) == 0; }`
    for (const flags of [
      [],
      ['-Wl,--hash-style=sysv'],
      ['-rdynamic'],
      ['-rdynamic', '-Wl,--hash-style=gnu'],
      ['-no-pie'],
    ])
      assert.equal(readElf(cc(source, join(dir, 'program'), ...flags))?.imports, ['getpwuid'], flags.join(' '))
  }),
)

/** A C definition of a note with this content. */
function note(content: string): string {
  const json = JSON.stringify(content)
  return `__attribute__((used, section(".note.dlopen"), aligned(4)))
    static const struct { unsigned a, b, c; char name[4]; _Alignas(4) char text[sizeof(${json})]; }
    n = { 4, sizeof(${json}), 0x407c0c0a, "FDO", ${json} };`
}

only(hasCc)(
  '.note.dlopen: the first library that is here, required, recommended and suggested; what is missing has a line',
  inTemp((dir) => {
    for (const name of ['need', 'want', 'may']) cc('int f;', join(dir, `lib${name}.so`), '-shared', '-fPIC')
    const entries = [
      { soname: ['libnone.so.9', 'libneed.so'], feature: 'first', priority: 'required' },
      { soname: ['libwant.so'], feature: 'second' },
      { soname: ['libmay.so'], feature: 'third', priority: 'suggested' },
      { soname: ['libgone.so', 'libgone.so.1'], feature: 'fourth', priority: 'required' },
      { soname: ['libleft.so'], feature: 'fifth', priority: 'suggested' },
    ]
    const program = cc(
      `${note(JSON.stringify(entries))} int main(void) { return 0; }`,
      join(dir, 'program'),
      `-Wl,-rpath,${dir}`,
    )
    const found = (...options: string[]): string[] => {
      const root = join(dir, `root${options.length}${options.at(-1) ?? ''}`)
      const lines = build(root, program, ...options).filter(
        (line) => line.includes('libgone') || line.includes('libleft'),
      )
      assert.equal(lines, [
        `note: opens libgone.so or libgone.so.1 (required for fourth), which this host does not have: ${program}`,
      ])
      return readdirSync(root + dir).sort()
    }
    assert.equal(found(), ['libmay.so', 'libneed.so', 'libwant.so', 'program'])
    assert.equal(found('--without', 'suggested'), ['libneed.so', 'libwant.so', 'program'])
    assert.equal(found('--without', 'suggested,recommended'), ['libneed.so', 'program'])
  }),
)

only(hasCc)(
  'a malformed note has a line, and the program its libraries',
  inTemp((dir) => {
    for (const [n, text] of ['{', '{}', '[1]', '[{"soname":[]}]', '[null]'].entries()) {
      const program = cc(`${note(text)} int main(void) { return 0; }`, join(dir, `program${n}`))
      const lines = build(join(dir, 'root'), program)
      assert.ok(
        lines.includes(`note: says in .note.dlopen which libraries it opens, and the note is malformed: ${program}`),
        `${text}\n${lines.join('\n')}`,
      )
    }
  }),
)

test('notes of other owners, cut ones, and hostile sizes', () => {
  const int = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at)
  const bytes = (name: string, text: string, sizes = [name.length, text.length]): Buffer => {
    const head = Buffer.alloc(12)
    for (const [n, value] of [...sizes, 0x407c0c0a].entries()) head.writeUInt32LE(value, n * 4)
    return Buffer.concat([head, Buffer.from(name), Buffer.from(text)])
  }
  const text = '[{"soname":["a"]}]\0\0'
  const entry = { names: ['a'], priority: 'recommended', feature: '' } as const
  assert.equal(readDlopenNotes(bytes('FDO\0', text), 4, int), [entry])
  assert.equal(readDlopenNotes(Buffer.concat([bytes('GNU\0', text), bytes('FDO\0', text)]), 4, int), [entry])
  assert.equal(readDlopenNotes(Buffer.alloc(7), 4, int), [])
  assert.equal(readDlopenNotes(bytes('FDO\0', text, [0xffffffff, 0xffffffff]), 4, int), [])
  assert.throws(() => readDlopenNotes(bytes('FDO\0', text).subarray(0, 20), 4, int), /JSON/)
})

only(hasCc && isGlibc)(
  'what the C library opens by name has a line, until the root has it',
  inTemp((dir) => {
    const program = cc(
      `#include <dlfcn.h>
       #include <iconv.h>
       #include <locale.h>
       #include <netdb.h>
       #include <pwd.h>
       #include <time.h>
       int main(void) {
         time_t t = 0;
         dlopen("x", 1); iconv_open("a", "b"); getservbyname("a", "b"); getaddrinfo("a", "b", 0, 0); setlocale(LC_ALL, "");
         return getpwuid(0) == 0 || localtime(&t) == 0;
       }`,
      join(dir, 'program'),
    )
    const said = (...args: string[]): string[] =>
      build(join(dir, 'root'), program, ...args)
        .filter((line) => line.startsWith('note: ') && line.includes(program))
        .map((line) => line.split(' ').slice(1, 3).join(' '))
    assert.equal(said(), [
      ...['opens libraries', 'looks up', 'looks up', 'looks up', 'converts character', 'sets a', 'reads the'],
    ])
    const here = ['/etc/localtime', '/etc/passwd', '/etc/services'].filter((path) => existsSync(path))
    assert.is(said(...here).length, 7 - here.length)
    if (existsSync('/usr/lib/locale/C.utf8')) assert.not.ok(said('--with', 'locale').includes('sets a'))
  }),
)

function namesBelow(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[]).map((path) => path.replace(/.*\//, ''))
}

test.run()
