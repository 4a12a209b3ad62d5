// seconds: 300
/** Whole systems and images of other tools, unpacked as the tools do it themselves. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, inTemp } from '../helpers/nsbox.ts'
import { directory, file, hardLink, symlink, tarOf } from '../helpers/tar.ts'
import { listing, unpack, UNPACK } from '../helpers/unpack.ts'

const DEBIAN = resolve(import.meta.dir, '../../dist/debian-root')
const here = (program: string): boolean => spawnSync(program, ['--version']).error === undefined

function run(program: string, args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(program, [...args], { encoding: 'utf8' })
  assert.is(status, 0, `${program}: ${stdout}${stderr}`)
}

/** Devices are left out, and the box's own /dev is empty then. */
const withoutDevices = (lines: readonly string[]): string[] => lines.filter((line) => !/, '0o[26]0/.test(line))

const withDebian = asRoot && existsSync(DEBIAN) ? test : test.skip
withDebian(
  'a whole Debian: the tree that GNU tar makes, with owners, modes, times, links and attributes',
  inTemp((dir) => {
    const archive = join(dir, 'debian.tar')
    run('tar', ['-C', DEBIAN, '--xattrs', '--xattrs-include=*', '--format=pax', '--numeric-owner', '-cf', archive, '.'])
    const oracle = join(dir, 'oracle')
    mkdirSync(oracle)
    run('tar', ['-C', oracle, '--xattrs', '--xattrs-include=*', '--numeric-owner', '--same-owner', '-xpf', archive])
    const result = unpack(dir, ['layer'], archive)
    assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
    assert.equal(withoutDevices(listing(result.fs)), withoutDevices(listing(oracle)))
  }),
)

// Without a whiteout below a link of the same layer: umoci follows the link, and removes another file.
const LAYERS = [
  tarOf([
    directory('./'),
    directory('usr', { mode: 0o711, uid: 5, gid: 6, mtime: 1_000_000_001 }),
    directory('usr/share'),
    file('usr/share/f', 'f', { uid: 7, gid: 8, mode: 0o640 }),
    file('usr/share/ping', 'ping', { mode: 0o4755 }),
    directory('opt', { mode: 0o700 }),
    file('opt/f', 'opt'),
    directory('gone'),
    file('gone/x'),
    symlink('lib', 'usr/share'),
    file('name', 'x', { pax: { path: 'n\u00fcm\u00e9', mtime: '1234567890.123456789' } }),
  ]),
  tarOf([
    symlink('opt', 'usr/share'),
    file('.wh.gone', ''),
    hardLink('linked', 'usr/share/f'),
    file('usr/share/new', 'new', { uid: 9 }),
    file('lib/through', 'through'),
  ]),
  tarOf([
    directory('usr/share', { mode: 0o755 }),
    file('usr/share/.wh..wh..opq', ''),
    file('usr/share/only', 'only'),
    directory('gone'),
  ]),
]

const withUmoci = asRoot && here('umoci') ? test : test.skip
withUmoci(
  'an image of three layers: the tree that umoci makes',
  inTemp((dir) => {
    const layout = join(dir, 'image')
    run('umoci', ['init', '--layout', layout])
    run('umoci', ['new', '--image', `${layout}:tag`])
    for (const [i, layer] of LAYERS.entries()) {
      writeFileSync(join(dir, `${i}.tar`), layer)
      run('umoci', ['raw', 'add-layer', '--image', `${layout}:tag`, join(dir, `${i}.tar`)])
    }
    const oracle = join(dir, 'oracle')
    run('umoci', ['raw', 'unpack', '--image', `${layout}:tag`, oracle])
    const trees: string[] = []
    for (const [i, layer] of LAYERS.entries()) {
      const result = unpack(dir, ['layer'], layer, { target: join(dir, `layer-${i}`), lowers: trees.toReversed() })
      assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
      trees.push(result.fs)
    }
    const flat = unpack(dir, ['flatten'], '/dev/null', { target: join(dir, 'flat'), lowers: trees.toReversed() })
    assert.is(flat.status, 0, `${flat.stdout}${flat.stderr}`)
    assert.equal(listing(flat.fs), listing(oracle))
  }),
)

const withXz = here('xz') ? test : test.skip
withXz(
  'unpacking takes at most 64 MiB, but for the dictionary of xz -9, which has 64 MiB itself',
  inTemp((dir) => {
    const content = Buffer.alloc(100 << 20)
    for (let i = 0; i < content.length; i += 4096) content.writeUInt32LE((i * 2654435761) >>> 0, i)
    const plain = join(dir, 'plain.tar')
    writeFileSync(plain, tarOf([file('large', content)]))
    for (const [name, args, most] of [
      ['gzip', ['-1'], 64],
      ['xz', ['-3'], 64],
      ['xz', ['-9'], 96],
    ] as const) {
      const packed = join(dir, `${name}${args[0]}`)
      run('sh', ['-c', '"$1" "$2" -c <"$3" >"$4"', 'sh', name, args[0], plain, packed])
      const { stdout, stderr } = spawnSync('python3', ['-c', MEASURE, UNPACK, 'cat', packed], { encoding: 'utf8' })
      const peak = Number(stdout) / 1024
      assert.ok(peak > 0 && peak <= most, `${name} ${args[0]}: ${peak} MiB ${stderr}`)
    }
  }),
)

/** Runs a command on a file, and prints the largest resident memory of it and its children in KiB. */
const MEASURE = `
import resource, subprocess, sys
subprocess.run(sys.argv[1:-1], stdin=open(sys.argv[-1]), stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
`

test.run()
