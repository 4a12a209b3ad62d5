/** The message where a command can't start says what is missing or forbidden. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, inTemp, nsbox } from '../helpers/nsbox.ts'

/** A root with programs that can't start, each in its way. */
function brokenRoot(dir: string): string {
  const root = busyboxRoot(join(dir, 'r'))
  const file = (name: string, content: string, mode = 0o755) =>
    writeFileSync(join(root, 'bin', name), content, { mode })
  spawnSync('cp', ['/bin/ls', join(root, 'bin/dynamic')])
  file('script', '#!/usr/bin/python9\n')
  file('plain', 'echo "plain $0 $1"\n')
  file('binary', '\x7fELF nonsense\0\0')
  file('forbidden', '#!/bin/sh\n', 0o644)
  mkdirSync(join(root, 'bin/directory'))
  symlinkSync('nowhere', join(root, 'bin/dangling'))
  return root
}

test(
  "a command that can't start says which part of it is missing",
  inTemp((dir) => {
    const root = brokenRoot(dir)
    const say = (...command: string[]) => {
      const { status, stderr } = nsbox(['--root', root, '--env', 'PATH=/bin', ...command])
      return [status, stderr.split('\n')[0]]
    }
    const NOT = 'No such file or directory (ENOENT)'
    assert.equal(say('nowhere'), [127, `nsbox: exec: command not found in the box: nowhere: ${NOT}`])
    assert.equal(say('/no/where'), [127, `nsbox: exec: command not found in the box: /no/where: ${NOT}`])
    assert.equal(say('dangling'), [127, `nsbox: exec: command not found in the box: dangling: ${NOT}`])
    assert.equal(say('dynamic'), [
      127,
      `nsbox: exec: the ELF interpreter of the program is missing in the box: /lib64/ld-linux-x86-64.so.2: ${NOT}`,
    ])
    assert.equal(say('script'), [
      127,
      `nsbox: exec: the interpreter of the script is missing in the box: /usr/bin/python9: ${NOT}`,
    ])
    assert.equal(say('forbidden'), [126, "nsbox: exec: can't be executed: /bin/forbidden: Permission denied (EACCES)"])
    assert.equal(say('directory'), [126, "nsbox: exec: can't be executed: /bin/directory: Permission denied (EACCES)"])
    assert.equal(say('binary'), [126, "nsbox: exec: can't be executed: /bin/binary: Exec format error (ENOEXEC)"])
    assert.equal(say('/bin/sh/x'), [
      127,
      'nsbox: exec: command not found in the box: /bin/sh/x: Not a directory (ENOTDIR)',
    ])
  }),
)

/** An ELF file of the other class, with a loader that no system has. */
function elf32(interpreter: string): Buffer {
  const file = Buffer.alloc(200)
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  const words: [number, number][] = [
    [16, 2],
    [18, 3],
    [42, 32],
    [44, 1],
  ] // type, machine (i386), e_phentsize, e_phnum
  for (const [at, value] of words) file.writeUInt16LE(value, at)
  file.writeUInt32LE(1, 20)
  file.writeUInt32LE(52, 28) // e_phoff
  const header = [3, 100, 0, 0, interpreter.length + 1, interpreter.length + 1, 4, 1] // PT_INTERP
  header.forEach((value, i) => file.writeUInt32LE(value, 52 + 4 * i))
  file.write(interpreter, 100, 'latin1')
  return file
}

test(
  'the message names what is missing for 32-bit programs, unreadable ones, and scripts without a shell',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    writeFileSync(join(root, 'bin/old'), elf32('/lib/ld-old.so.2'), { mode: 0o755 })
    writeFileSync(join(root, 'bin/secret'), readFileSync('/bin/ls'), { mode: 0o111 })
    writeFileSync(join(root, 'bin/plain'), 'echo\n', { mode: 0o755 })
    const say = (...args: string[]) => nsbox(['--root', root, '--env', 'PATH=/bin', ...args]).stderr
    const old = say('old')
    // A kernel without support for the other class returns ENOEXEC.
    assert.match(
      old,
      /^nsbox: exec: (the ELF interpreter of the program is missing in the box: \/lib\/ld-old\.so\.2: No such|can't be executed: \/bin\/old: Exec format)/,
    )
    if (!asRoot) assert.match(say('secret'), 'the interpreter of the program is missing in the box: /bin/secret')
    else
      assert.match(
        say('--cap-drop', 'all', '--user', '7', 'secret'),
        'the interpreter of the program is missing in the box: /bin/secret',
      )
    rmSync(join(root, 'bin/sh'))
    assert.match(
      say('plain'),
      /ENOEXEC\)\nhint: it is a script that names no interpreter, and the box has no \/bin\/sh to run it\n$/,
    )
  }),
)

test(
  'a text without an interpreter line is run by the shell',
  inTemp((dir) => {
    assert.is(nsbox(['--root', brokenRoot(dir), 'plain', 'word']).stdout, 'plain /bin/plain word\n')
  }),
)

test(
  'the message says why a file is not executable: its mode, a directory, a noexec file system',
  inTemp((dir) => {
    const hint = (...args: string[]) => {
      const { status, stderr } = nsbox(['--root', brokenRoot(join(dir, String(Math.random()))), ...args])
      assert.is(status, 126, stderr)
      return stderr.split('\n')[1]
    }
    assert.is(hint('/bin/forbidden'), 'hint: it has no execute permission: chmod +x')
    assert.is(
      hint('/bin/directory'),
      'hint: it is a directory; if it belongs to an option, both are one word: --bind SRC:DST',
    )
    // procfs is noexec, and this file has all permissions.
    assert.is(hint('--cap-drop', 'all', '/proc/self/status'), 'hint: it lies on a file system that is mounted noexec')
  }),
)

test.run()
