/** The files that are unpacked: one tree as archives of each kind. They are made once, without a network. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { TOP } from './boxes.ts'
import type { Bench } from './pace.ts'
import { which } from './peers.ts'

/** The Debian root of the tests, where it is there and may be read; else a made-up one. */
export type Tree = { path: string; does: string; files: string }

export type ImageFile = { kind: string; path: string } | { kind: string; absent: string }

export function treeOf(bench: Bench): Tree {
  const debian = join(TOP, 'dist/debian-root')
  const real = !bench.quick && process.getuid?.() === 0 && existsSync(debian)
  const files = join(bench.dir, `images-${bench.quick ? 'quick' : real ? 'debian' : 'made'}`)
  mkdirSync(files, { recursive: true })
  if (real) return { path: debian, does: "Debian's minimal root", files }
  const path = join(files, 'tree')
  if (!existsSync(path)) makeTree(path, bench.quick ? 100 : 8000)
  return { path, does: 'a made-up tree', files }
}

/** Many small files and a few large ones, which compress as programs and texts do. The same on each machine. */
function makeTree(path: string, count: number): void {
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const letters = 'etaoin shrdlu cmfwyp vbgkqj xz'
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 2 + random(9) }, () => letters[random(letters.length)]).join(''),
  )
  const text = Buffer.from(Array.from({ length: 300000 }, () => words[random(words.length)]).join(' '))
  const draft = `${path}.new`
  rmSync(draft, { recursive: true, force: true })
  for (let i = 0; i < count; i++) {
    const directory = join(draft, 'usr', ['bin', 'lib', 'share'][i % 3] ?? '', `part-${i % 97}`)
    mkdirSync(directory, { recursive: true })
    const size = random(100) === 0 ? 200000 + random(800000) : random(16000)
    const start = random(text.length - size)
    writeFileSync(join(directory, `file-${i}`), text.subarray(start, start + size))
    if (i % 20 === 0) symlinkSync(`file-${i}`, join(directory, `link-${i}`))
  }
  mkdirSync(join(draft, 'etc'))
  writeFileSync(join(draft, 'etc/hostname'), 'made\n')
  renameSync(draft, path)
}

/** Runs each command; the message of one that fails. */
function failure(...commands: readonly (readonly string[])[]): string | undefined {
  for (const [program = '', ...args] of commands) {
    const file = which(program)
    if (file === null) return `${program} is not installed`
    const { status, error, stderr } = spawnSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
    if (status !== 0) return `${program} fails here: ${error?.message ?? stderr.trim().split('\n').at(-1)}`
  }
  return undefined
}

/** What is at PATH, made there by COMMANDS, which write to NEW, where it isn't there yet. */
function made(kind: string, path: string, commands: (path: string) => (readonly string[])[]): ImageFile {
  if (existsSync(path)) return { kind, path }
  const draft = join(dirname(path), `new-${kind.replace(/\W+/g, '-')}`)
  rmSync(draft, { recursive: true, force: true })
  const absent = failure(...commands(draft))
  if (absent !== undefined) return { kind, absent }
  renameSync(draft, path)
  return { kind, path }
}

const archive = (to: string, from: string, ...words: readonly string[]): string[] => [
  ...['tar', '--numeric-owner', '--xattrs', '--sort=name', '-cf', to, '-C', from],
  ...words,
]

/** A tar of DIRECTORY at PATH. */
export const tarFile = (directory: string, path: string): ImageFile =>
  made('tar', path, (to) => [archive(to, directory, '.')])

/** The tree as a tar in each compression. */
export function tarFiles({ path, files }: Tree): ImageFile[] {
  const plain = tarFile(path, join(files, 'tree.tar'))
  if (!('path' in plain)) return [plain]
  const compressed = (kind: string, ...command: string[]): ImageFile =>
    made(`tar (${kind})`, `${plain.path}.${kind}`, (to) => [
      ['sh', '-c', '"$@" <"$from" >"$to"'.replace('$from', plain.path).replace('$to', to), 'sh', ...command],
    ])
  return [compressed('gzip', 'gzip', '-6'), compressed('zstd', 'zstd', '-q', '-3'), compressed('xz', 'xz', '-6')]
}

/** The tree as a squashfs in each compression. */
export function squashfsFiles({ path, files }: Tree): ImageFile[] {
  return ['gzip', 'xz', 'zstd'].map((kind) =>
    made(`squashfs (${kind})`, join(files, `tree.${kind}.squashfs`), (to) => [
      ['mksquashfs', path, to, '-comp', kind, '-noappend', '-quiet', '-no-progress'],
    ]),
  )
}

export const TAG = 'bench'

/** The tree as an image of four layers (gzip) in an OCI layout. */
export function layoutOf({ path, files }: Tree): ImageFile {
  const layers = [
    ['--exclude=./usr', '.'],
    ['--exclude=./usr/lib', '--exclude=./usr/share', './usr'],
    ['./usr/lib'],
    ['./usr/share'],
  ].map((words, i) => ({ words, tar: join(files, `layer-${i}.tar`) }))
  const image = made('OCI layout', join(files, 'layout'), (to) => [
    ['umoci', 'init', '--layout', to],
    ['umoci', 'new', '--image', `${to}:${TAG}`],
    ...layers.flatMap(({ words, tar }) => [
      archive(tar, path, ...words),
      ['umoci', 'raw', 'add-layer', '--image', `${to}:${TAG}`, tar],
    ]),
  ])
  for (const { tar } of layers) rmSync(tar, { force: true })
  return image
}
