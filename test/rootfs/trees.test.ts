/** Directories and data as arguments of `rootfs build`. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { build, cc, hasCc, inRoot, inTemp, onHost, refusal, runsRoots, script } from './helpers.ts'

const only = (condition: boolean): typeof test | typeof test.skip => (condition ? test : test.skip)
const notes = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith('note: '))

test(
  'a directory keeps its links, modes and times, also of directories and links',
  inTemp((dir) => {
    const host = join(dir, 'host')
    mkdirSync(join(host, 'sub/empty'), { recursive: true })
    writeFileSync(join(host, 'sub/data'), 'data')
    chmodSync(join(host, 'sub/data'), 0o640)
    symlinkSync('sub/data', join(host, 'relative'))
    symlinkSync(join(host, 'sub'), join(host, 'absolute'))
    chmodSync(join(host, 'sub'), 0o1711)
    const times = { data: 1e9, sub: 1.1e9, host: 1.2e9, 'sub/data': 1.3e9, 'sub/empty': 1.4e9 }
    lutimesSync(join(host, 'relative'), times.data, times.data)
    for (const name of ['sub/data', 'sub/empty', 'sub'] as const) utimesSync(join(host, name), times[name], times[name])
    utimesSync(host, times.host, times.host)
    const root = join(dir, 'root')
    assert.equal(notes(build(root, host)), [])
    const there = root + host
    assert.is(readFileSync(join(there, 'sub/data'), 'utf8'), 'data')
    assert.is(readlinkSync(join(there, 'relative')), 'sub/data')
    assert.is(readlinkSync(join(there, 'absolute')), join(host, 'sub'))
    for (const name of ['', 'relative', 'sub', 'sub/data', 'sub/empty']) {
      const [here, copy] = [lstatSync(join(host, name)), lstatSync(join(there, name))]
      assert.equal([copy.mode, copy.mtimeMs], [here.mode, here.mtimeMs], name)
    }
  }),
)

only(hasCc)(
  'a program for another system, whose loader is not here, is data of a directory',
  inTemp((dir) => {
    const host = join(dir, 'host')
    mkdirSync(host)
    const program = cc(
      'int main(void) { return 0; }',
      join(host, 'program'),
      '-Wl,--dynamic-linker=/libexec/no-such-loader',
    )
    build(join(dir, 'root'), host)
    assert.ok(existsSync(join(dir, 'root') + program))
    assert.match(
      refusal(() => build(join(dir, 'other'), program)),
      'loader /libexec/no-such-loader of the program does not exist',
    )
  }),
)

test(
  'data is copied as it is, and a directory by a link with the link',
  inTemp((dir) => {
    mkdirSync(join(dir, 'real'))
    writeFileSync(join(dir, 'real/data'), '#!/no/such/interpreter\n')
    symlinkSync('real', join(dir, 'link'))
    const root = join(dir, 'root')
    const lines = build(root, join(dir, 'real/data'))
    assert.is(lines[0], join(dir, 'real/data'))
    assert.equal(readdirSync(join(root, dir)), ['real'])
    assert.match(build(root, `${dir}/link/`)[0] ?? '', /^\/.*\/link with 1 file$/)
    assert.is(readFileSync(join(root, dir, 'link/data'), 'utf8'), '#!/no/such/interpreter\n')
    assert.is(readlinkSync(join(root, dir, 'link')), 'real')
    assert.match(
      refusal(() => build(root, join(dir, 'gone/'))),
      /^SandboxError: rootfs: .*\(ENOENT\)/,
    )
  }),
)

test(
  'each thing that a directory has and the root does not get has a line',
  inTemp(async (dir) => {
    const host = join(dir, 'host')
    mkdirSync(join(host, 'sub'), { recursive: true })
    writeFileSync(join(dir, 'outside'), 'secret')
    const names = (name: string): string => join(host, name)
    symlinkSync('../outside', names('out'))
    symlinkSync('/', names('everything'))
    symlinkSync('loop2', names('loop1'))
    symlinkSync('loop1', names('loop2'))
    symlinkSync('nowhere', names('dangling'))
    symlinkSync('..', names('sub/up'))
    spawnSync('mkfifo', [names('fifo')])
    const server = createServer().listen(names('socket'))
    await new Promise((done) => server.once('listening', done))
    script(names('setuid'), 'x')
    chmodSync(names('setuid'), 0o4755)
    writeFileSync(names('broken'), '\x7fELF\x02\x01\x01' + '\0'.repeat(9) + '\x02\0' + 'x'.repeat(100), 'latin1')
    writeFileSync(names('object'), '\x7fELF\x02\x01\x01' + '\0'.repeat(9) + '\x01\0', 'latin1')
    writeFileSync(names('unreadable'), '')
    chmodSync(names('unreadable'), 0)
    mkdirSync(names('closed'))
    chmodSync(names('closed'), 0)
    writeFileSync(Buffer.from(names('latin-\xe9'), 'latin1'), '')
    const asRoot = process.getuid?.() === 0
    const device = asRoot && spawnSync('mknod', [names('device'), 'c', '1', '3']).status === 0
    const root = join(dir, 'root')
    const lines = notes(build(root, host))
    server.close()
    const expected = [
      ...[
        `is a FIFO, and is not in the root: ${names('fifo')}`,
        `is a socket, and is not in the root: ${names('socket')}`,
      ],
      ...(device ? [`is a device, and is not in the root: ${names('device')}`] : []),
      `is a link out of its directory, and what it leads to is not in the root: ${names('everything')} -> /, ${names('out')} -> ${join(dir, 'outside')} (name that too)`,
      `is a link in a circle, as on this host: ${names('loop1')}, ${names('loop2')}`,
      `is a link to nothing, as on this host: ${names('dangling')}`,
      `is setuid or setgid here, and is not in the root: ${names('setuid')}`,
      `looks like an ELF file and cannot be read as one; copied as data: ${names('broken')}`,
      `has gone, or its name is not UTF-8; it is not in the root: ${names('latin-\ufffd')}`,
      ...(asRoot
        ? []
        : [
            `cannot be listed, and is empty in the root (EACCES): ${names('closed')}`,
            `cannot be read, and is not in the root (EACCES): ${names('unreadable')}`,
          ]),
    ].map((line) => `note: ${line}`)
    chmodSync(names('closed'), 0o755)
    assert.equal(lines.sort(), expected.sort())
    const inside = readdirSync(root + host).sort()
    for (const name of ['fifo', 'socket', 'device', 'latin-\ufffd']) assert.not.ok(inside.includes(name), name)
    assert.not.ok(existsSync(join(root, dir, 'outside')))
    assert.is(statSync(root + names('setuid')).mode & 0o7777, 0o755)
    assert.is(readlinkSync(root + names('loop1')), 'loop2')
    // The link's target is there when it is named, and then needs no line.
    const again = notes(build(root, host, join(dir, 'outside')))
    assert.ok(again.some((line) => line.includes(`${names('everything')} -> / (`)))
  }),
)

test(
  'a root inside of the named directory is not copied into itself',
  inTemp((dir) => {
    const root = join(dir, 'root')
    writeFileSync(join(dir, 'data'), '')
    build(root, join(dir, 'data'))
    const lines = notes(build(root, dir))
    assert.equal(lines, [`note: is the root that is being built, and is not copied into itself: ${root}`])
    assert.equal(readdirSync(join(root, dir)), ['data'])
  }),
)

only(process.getuid?.() === 0)(
  'another file system in a directory has a line',
  inTemp((dir) => {
    mkdirSync(join(dir, 'mounted'))
    // The test's process has a mount namespace of its own.
    assert.is(spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', join(dir, 'mounted')]).status, 0)
    try {
      assert.equal(notes(build(join(dir, 'root'), dir)).slice(0, 1), [
        `note: is another file system, and is not in the root: ${join(dir, 'mounted')} (name it too)`,
      ])
    } finally {
      spawnSync('umount', [join(dir, 'mounted')])
    }
  }),
)

only(hasCc)(
  'the ELF files of a directory bring their libraries; one that is missing has a line, unless the directory has it',
  inTemp((dir) => {
    const [plugins, lib] = [join(dir, 'plugins'), join(dir, 'lib')]
    for (const path of [plugins, join(plugins, 'deep'), lib]) mkdirSync(path)
    cc('int base;', join(lib, 'libbase.so'), '-shared', '-fPIC')
    cc('int gone;', join(lib, 'libgone.so'), '-shared', '-fPIC')
    cc('int core;', join(plugins, 'deep/libcore.so'), '-shared', '-fPIC')
    const flags = [`-L${lib}`, `-L${plugins}/deep`, '-shared', '-fPIC', '-Wl,--no-as-needed']
    cc('int one;', join(plugins, 'one.so'), ...flags, '-lbase', `-Wl,-rpath,${lib}`)
    cc('int two;', join(plugins, 'two.so'), ...flags, '-lcore', '-lgone')
    const root = join(dir, 'root')
    const lines = notes(build(root, plugins))
    assert.ok(existsSync(join(root, lib, 'libbase.so')))
    assert.not.ok(existsSync(join(root, lib, 'libgone.so')))
    assert.equal(lines, [`note: needs libgone.so, which was not found: ${plugins}/two.so`])
  }),
)

const PYTHON = ['3.9', '3.10', '3.11', '3.12', '3.13', '3.14']
  .map((version) => ({ program: `/usr/bin/python${version}`, library: `/usr/lib/python${version}` }))
  .find(({ program, library }) => existsSync(program) && existsSync(library))

if (PYTHON === undefined || !runsRoots) test.skip('python in a root does what it does on the host', () => {})
else {
  const { program, library } = PYTHON
  const jobs = [
    'import sqlite3; print(sqlite3.connect(":memory:").execute("select 6*7").fetchone())',
    'import ctypes; print(ctypes.CDLL(None).abs(-5))',
    'import bz2, lzma, zlib; print([len(m.compress(b"a" * 1000)) for m in (bz2, lzma, zlib)])',
    'import ssl; print(ssl.OPENSSL_VERSION)',
    'import curses, readline, decimal, uuid, multiprocessing; print("there")',
    'import threading, time\nfor n in range(50): threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\nprint("left")',
  ]
  test(
    'python with its directory does in a root what it does on the host',
    inTemp((dir) => {
      build(join(dir, 'root'), program, library)
      for (const job of jobs) {
        const there = inRoot(join(dir, 'root'), program, '-c', job)
        assert.equal(there, onHost(program, '-c', job), job)
        assert.is(there.status, 0, job)
      }
    }),
  )
}

test.run()
