/** The output of a build: digest, archive, --dry-run and --json. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { nsbox } from '../helpers/nsbox.ts'
import { build, inTemp, listing, refusal, script } from './helpers.ts'

const digestIn = (lines: readonly string[]): string => /sha256:[0-9a-f]{64}/.exec(lines.join('\n'))?.[0] ?? 'none'

/** A directory with what an archive can get wrong: long names, other alphabets, links, modes, times. */
function source(dir: string): string {
  const host = join(dir, 'host')
  mkdirSync(join(host, 'x'.repeat(120), 'empty'), { recursive: true })
  writeFileSync(join(host, 'x'.repeat(120), 'long'), 'long')
  writeFileSync(join(host, 'größe ✓'), 'a'.repeat(512))
  writeFileSync(join(host, 'odd\n\x85'), 'b'.repeat(513))
  writeFileSync(join(host, 'nothing'), '')
  symlinkSync('y'.repeat(150), join(host, 'far'))
  symlinkSync('nothing', join(host, 'near'))
  script(join(host, 'run'), '#!/bin/sh\n')
  utimesSync(join(host, 'x'.repeat(120)), 1e9, 1e9)
  return host
}

test(
  'the digest is the same for the same root, whichever way it is built, and another for another root',
  inTemp((dir) => {
    const host = source(dir)
    const first = digestIn(build(join(dir, 'a'), 'ls', host))
    assert.match(first, /^sha256:/)
    for (const args of [
      [join(dir, 'a'), 'ls', host],
      [join(dir, 'b'), host, 'ls'],
      [join(dir, 'c'), 'ls', host, '--dry-run'],
      ['-o', join(dir, 'd.tar'), 'ls', host],
    ])
      assert.is(digestIn(build(...args)), first, args.join(' '))
    assert.equal(listing(join(dir, 'b')), listing(join(dir, 'a')))
    writeFileSync(join(host, 'nothing'), 'something')
    assert.is.not(digestIn(build(join(dir, 'a'), 'ls', host)), first)
  }),
)

test(
  '-o writes an archive that tar unpacks to the same root, and the same archive again',
  inTemp((dir) => {
    const host = source(dir)
    const [root, unpacked] = [join(dir, 'root'), join(dir, 'unpacked')]
    build(root, 'ls', host)
    build('-o', join(dir, 'one.tar'), 'ls', host)
    build('ls', host, `--output=${dir}/two.tar`)
    assert.equal(readFileSync(join(dir, 'one.tar')), readFileSync(join(dir, 'two.tar')))
    mkdirSync(unpacked)
    const { status, stderr } = spawnSync('tar', ['-xpf', join(dir, 'one.tar'), '-C', unpacked], { encoding: 'utf8' })
    assert.equal([status, stderr], [0, ''])
    // An archive has whole seconds.
    const whole = (lines: string[]): string[] =>
      lines.map((line) => line.replace(/ (\d+)\d{3}(\.\d+)? (?=\d+$)/, ' $1 '))
    assert.equal(whole(listing(unpacked)), whole(listing(root)))
    const owners = spawnSync('tar', ['--numeric-owner', '-tvf', join(dir, 'one.tar')], { encoding: 'utf8' }).stdout
    assert.ok(owners.split('\n').every((line) => line === '' || line.split(/ +/)[1] === '0/0'))
    assert.equal(readdirSync(dir).sort(), ['host', 'one.tar', 'root', 'two.tar', 'unpacked'])
  }),
)

test(
  'an archive is complete or not there',
  inTemp((dir) => {
    writeFileSync(join(dir, 'r.tar'), 'old')
    assert.match(
      refusal(() => build('-o', join(dir, 'r.tar'), 'ls', 'no-such-program')),
      'not found in PATH',
    )
    assert.is(readFileSync(join(dir, 'r.tar'), 'utf8'), 'old')
    mkdirSync(join(dir, 'd.tar'))
    assert.match(
      refusal(() => build('-o', join(dir, 'd.tar'), 'ls')),
      /^SandboxError: rootfs: is there and is not a regular file: /,
    )
    assert.match(
      refusal(() => build('-o', join(dir, 'none/r.tar'), 'ls')),
      /^SandboxError: rootfs: cannot make the file: .*ENOENT/,
    )
    for (const args of [
      ['-o', 'r.zip', 'ls'],
      ['-o', '', 'ls'],
      ['-o', 'r.tar', 'ls', '--by', 'copy'],
      ['-o', 'r.tar'],
    ])
      assert.match(
        refusal(() => build(...args)),
        /^UsageError: /,
        args.join(' '),
      )
    assert.equal(readdirSync(dir).sort(), ['d.tar', 'r.tar'])
  }),
)

test(
  'the program prints what its parts print',
  inTemp((dir) => {
    const args = [join(dir, 'root'), 'ls', source(dir)]
    const { status, stdout, stderr } = nsbox(['rootfs', 'build', ...args])
    assert.equal([status, stderr], [0, ''])
    assert.equal(stdout.trimEnd().split('\n'), build(...args))
    const archive = nsbox(['rootfs', 'build', '-o', join(dir, 'r.tar'), 'ls', '--json'])
    assert.equal([archive.status, archive.stderr], [0, ''])
    assert.is(JSON.parse(archive.stdout).root, join(dir, 'r.tar'))
  }),
)

test(
  '--dry-run lists what a build would write, and writes nothing',
  inTemp((dir) => {
    const root = join(dir, 'root')
    const dry = build(root, 'ls', '--dry-run')
    assert.not.ok(existsSync(root))
    const wet = build(root, 'ls')
    const { stdout } = spawnSync('find', [root, '-mindepth', '1', '-printf', '/%P\\n'], { encoding: 'utf8' })
    const names = stdout.trimEnd().split('\n').sort()
    const listed = dry.slice(0, dry.length - wet.length)
    assert.equal(listed.map((line) => line.replace(/ -> .*|\/$/, '')).sort(), names)
    assert.equal(dry.slice(listed.length), wet)
    build('-o', join(dir, 'r.tar'), 'ls', '--dry-run')
    assert.not.ok(existsSync(join(dir, 'r.tar')))
  }),
)

test(
  '--json is one object on one line, for a terminal as well',
  inTemp((dir) => {
    const host = source(dir)
    const root = join(dir, 'root')
    const lines = build(root, 'ls', host, '--json')
    assert.is(lines.length, 1)
    assert.not.match(lines[0] ?? '', /[\x00-\x1f\x7f-\x9f]/)
    const value = JSON.parse(lines[0] ?? '')
    const plain = build(root, 'ls', host)
    assert.is(value.root, root)
    assert.is(value.digest, digestIn(plain))
    assert.ok(plain.includes(`${value.files} files, ${value.links} links, ${value.bytes} bytes, ${value.digest}`))
    assert.equal(
      value.named.map(({ kind }: { kind: string }) => kind),
      ['program', 'directory'],
    )
    assert.is(value.notes.length, plain.filter((line) => line.startsWith('note: ')).length)
    const entry = value.entries.find(({ path }: { path: string }) => path === join(host, 'near'))
    assert.equal(entry, { path: join(host, 'near'), kind: 'link', target: 'nothing' })
    assert.ok(value.entries.some(({ path }: { path: string }) => path === join(host, 'odd\n\x85')))
  }),
)

test.run()
