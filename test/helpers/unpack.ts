/** Runs dist/nsbox-unpack as the product does: in a box without network whose root has nothing else. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { asRoot, NSBOX } from './nsbox.ts'

export const UNPACK = resolve(import.meta.dir, '../../dist/nsbox-unpack')

export type UnpackEvent = { event: string; [key: string]: unknown }
export type Unpacked = {
  status: number | null
  events: UnpackEvent[]
  stdout: Buffer
  stderr: string
  /** The directory of the layer. */
  target: string
  /** The tree in it. */
  fs: string
}

/** The event of that name, or undefined. */
export const eventOf = ({ events }: Unpacked, name: string): UnpackEvent | undefined =>
  events.find(({ event }) => event === name)

function eventsOf(stdout: string): UnpackEvent[] {
  const lines = stdout.split('\n').filter((line) => line.startsWith('{'))
  return lines.map((line) => JSON.parse(line) as UnpackEvent)
}

/**
 * Runs the helper with TARGET as /target, LOWERS as /lower/0... and the archive, bytes or a file's path, on standard
 * input. An ordinary user has one id, as which every file is unpacked. WRAPPER is a command that runs the box.
 */
export function unpack(
  dir: string,
  args: readonly string[],
  archive: Buffer | string,
  {
    target = join(dir, 'target'),
    lowers = [] as readonly string[],
    flags = [] as readonly string[],
    wrapper = [] as readonly string[],
  } = {},
): Unpacked {
  const root = join(dir, 'unpack-root')
  for (const path of [root, target]) mkdirSync(path, { recursive: true })
  const input = typeof archive === 'string' ? archive : join(dir, 'archive')
  if (typeof archive !== 'string') writeFileSync(input, archive)
  const stdin = openSync(input, 'r')
  const owners = asRoot || flags.includes('--map-auto') || args[0] !== 'layer' ? [] : ['--owners', 'one']
  try {
    const [program = '', ...before] = [...wrapper, NSBOX]
    const { status, stdout, stderr } = spawnSync(
      program,
      [
        ...before,
        ...(asRoot ? ['--userns'] : flags.includes('--map-auto') ? [] : ['--map-root']),
        ...['--net', 'none', '--root', root, '--ro-bind', `${UNPACK}:/unpack`, '--bind', `${target}:/target`],
        ...lowers.flatMap((lower, i) => ['--ro-bind', `${lower}:/lower/${i}`]),
        ...flags,
        ...['/unpack', args[0] ?? '', ...owners, ...args.slice(1)],
      ],
      { stdio: [stdin, 'pipe', 'pipe'], maxBuffer: 1 << 28, timeout: 60000 },
    )
    const fs = join(target, 'fs')
    return { status, events: eventsOf(String(stdout)), stdout, stderr: String(stderr), target, fs }
  } finally {
    closeSync(stdin)
  }
}

const LISTING = `
import hashlib, os, stat, sys
def lines(top):
    for path, directories, files in os.walk(top):
        for name in directories + files + (['.'] if path == top else []):
            file = os.path.join(path, name)
            st = os.lstat(file)
            link = os.readlink(file) if stat.S_ISLNK(st.st_mode) else ''
            content = hashlib.sha256(open(file, 'rb').read()).hexdigest() if stat.S_ISREG(st.st_mode) else ''
            plain = not stat.S_ISDIR(st.st_mode)
            attributes = [(k, os.getxattr(file, k, follow_symlinks=False)) for k in sorted(os.listxattr(file, follow_symlinks=False))]
            yield repr((os.path.relpath(file, top), oct(st.st_mode), st.st_uid, st.st_gid, st.st_mtime_ns,
                st.st_nlink if plain else 0, st.st_rdev, link, content, attributes))
print('\\n'.join(sorted(lines(sys.argv[1]))))
`

/** A line for everything in a tree: name, mode, owners, time, links, device, content and extended attributes. */
export function listing(dir: string): string[] {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', LISTING, dir], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  if (status !== 0) throw new Error(stderr)
  return stdout.trim().split('\n')
}

/** The names of a tree, with what its links lead to. No link is followed. */
export function namesIn(dir: string, below = ''): string[] {
  return readdirSync(join(dir, below), { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(below, entry.name)
      if (entry.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(dir, path))}`]
      return [path, ...(entry.isDirectory() ? namesIn(dir, path) : [])]
    })
    .sort()
}
