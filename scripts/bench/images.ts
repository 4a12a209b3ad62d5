/** Images: how long unpacking takes and how much memory, and how long a box takes that runs in one. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { COMMAND, NSBOX, root } from './boxes.ts'
import { layoutOf, squashfsFiles, tarFile, tarFiles, treeOf, type ImageFile } from './image-files.ts'
import { peakOfHelper } from './image-memory.ts'
import { commandOf, GNU_TAR, nsbox, PODMAN, podman, UMOCI, unpackerHere, UNSQUASHFS } from './image-peers.ts'
import { isRoot, type Unpacker } from './image-peers.ts'
import { pace, rounds, type Bench, type Times } from './pace.ts'
import { part, ratioTo, type Context, type Found, type Named } from './part.ts'
import { which, type Absent } from './peers.ts'
import { atMost, type Target } from './result.ts'

const ROOM = 2 * 2 ** 30

/** A directory in memory where there is one with room: the disk would be timed, and not the programs. */
function scratch({ dir }: Bench): string {
  const memory = '/dev/shm'
  const { bavail, bsize } = existsSync(memory) ? statfsSync(memory) : { bavail: 0, bsize: 0 }
  return mkdtempSync(join(bavail * bsize >= ROOM ? memory : dir, 'nsbox-bench-'))
}

/** Each command once a round, into an empty directory. */
function inTurn(bench: Bench, full: number, commands: readonly Named[], out: string, equal: boolean): Times {
  const times: Times = new Map(commands.map(({ name }) => [name, []]))
  const chrt = isRoot && !equal ? which('chrt') : null
  const priority = chrt === null ? [] : [chrt, '--fifo', '1']
  for (let round = 0; round < rounds(bench, full); round++)
    for (const { name, argv } of commands) {
      rmSync(out, { recursive: true, force: true })
      mkdirSync(out, { recursive: true })
      const [program = '', ...args] = [...priority, ...argv]
      const begin = performance.now()
      const { status, error, stderr } = spawnSync(program, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, NSBOX_CACHE: join(out, 'cache') },
      })
      const end = performance.now()
      if (status !== 0) throw new Error(`${name}: ${error?.message ?? stderr.trim().split('\n').at(-1)}`)
      times.get(name)?.push((end - begin) * 1000)
    }
  rmSync(out, { recursive: true, force: true })
  return times
}

/** Why a program fails with FILE here, or undefined. */
function reasonNot(bench: Bench, command: Named, out: string): string | undefined {
  try {
    inTurn({ ...bench, quick: true }, 1, [command], out, true)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Compares nsbox with PEERS on a file; a peer that isn't there, or a file that can't be made, is left out with a reason. */
function compare({ bench, isWanted }: Context, file: ImageFile, does: string, peers: readonly Unpacker[]): Found {
  const targets = (times: Times): Target[] =>
    peers.map(({ name }) => atMost(`unpacking, ${file.kind}: nsbox / ${name}`, 1, ratioTo(times, 'nsbox', name)))
  if (!('path' in file)) return { targets: targets(new Map()), absent: [{ name: file.kind, why: file.absent }] }
  const absent: Absent[] = []
  const place = scratch(bench)
  const out = join(place, 'out')
  try {
    const commands = [commandOf(nsbox(), NSBOX, file.path, out)]
    for (const peer of peers) {
      const program = unpackerHere(peer, isWanted)
      const command = typeof program === 'string' ? commandOf(peer, program, file.path, out) : undefined
      const why = command === undefined ? undefined : reasonNot(bench, command, out)
      if (typeof program !== 'string') absent.push(program)
      else if (why !== undefined) absent.push({ name: peer.name, why: `installed, but fails here: ${why}` })
      else if (command !== undefined) commands.push(command)
    }
    const equal = peers.some((peer) => peer.equal)
    const times = inTurn(bench, file.kind.includes('xz') ? 3 : 7, commands, out, equal)
    return {
      parts: [part(`unpacking ${does}, ${file.kind}`, times, commands, 'nsbox')],
      targets: targets(times),
      absent,
    }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

const together = (all: readonly Found[]): Found => ({
  parts: all.flatMap(({ parts = [] }) => parts),
  targets: all.flatMap(({ targets = [] }) => targets),
  absent: all.flatMap(({ absent = [] }) => absent),
})

export function unpacking(context: Context): Found {
  const tree = treeOf(context.bench)
  return together([
    ...tarFiles(tree).map((file) => compare(context, file, tree.does, [GNU_TAR])),
    ...squashfsFiles(tree).map((file) => compare(context, file, tree.does, [UNSQUASHFS])),
    compare(context, layoutOf(tree), tree.does, [UMOCI, PODMAN]),
  ])
}

const MOST_MEMORY = 64 * 1024

/** The memory of the processes that unpack, all together. */
export async function imageMemory({ bench }: Context): Promise<Found> {
  const tree = treeOf(bench)
  const targets: Target[] = []
  const absent: Absent[] = []
  const place = scratch(bench)
  try {
    for (const file of [...tarFiles(tree), ...squashfsFiles(tree)]) {
      const cache = join(place, 'cache')
      const size = 'path' in file ? await peakOfHelper([NSBOX, 'image', 'pull', '--quiet', file.path], cache) : null
      targets.push(atMost(`memory while unpacking, ${file.kind}, kB`, MOST_MEMORY, size, 'kB'))
      if ('absent' in file) absent.push({ name: file.kind, why: file.absent })
      rmSync(cache, { recursive: true, force: true })
    }
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
  return { targets, absent }
}

/** A box in an image that is in the cache. */
export function imageStart({ bench, isWanted }: Context): Found {
  const place = join(bench.dir, 'image-start')
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place)
  const file = tarFile(root(bench), join(place, 'box.tar'))
  if (!('path' in file)) return { absent: [{ name: 'an image', why: file.absent }] }
  const env = { NSBOX_CACHE: join(place, 'cache') }
  const pulled = spawnSync(NSBOX, ['image', 'pull', '--quiet', file.path], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  if (pulled.status !== 0) throw new Error(pulled.stderr.trim())
  const image = { name: 'image', argv: [NSBOX, '--image', file.path, '--', COMMAND], does: 'nsbox --image FILE' }
  const commands: Named[] = [
    {
      name: 'directory',
      argv: [NSBOX, '--root', root(bench), '--overlay', '--', COMMAND],
      does: 'nsbox --root DIR --overlay',
    },
    image,
  ]
  const times = pace(bench, 60, commands, { env })
  const engine = podmanRun(file.path, join(place, 'podman'), isWanted)
  const slow = 'argv' in engine ? pace(bench, 10, [image, engine], { equal: true, env }) : new Map()
  rmSync(place, { recursive: true, force: true })
  return {
    parts: [
      part('a box in an image of the cache', times, commands, 'directory'),
      ...('argv' in engine
        ? [part('a box in an image of the cache, beside podman', slow, [image, engine], 'image')]
        : []),
    ],
    targets: [
      atMost('start: image of the cache / directory with an overlay', 1.2, ratioTo(times, 'image', 'directory')),
      atMost('start: image of the cache / podman run', 0.05, ratioTo(slow, 'image', 'podman run')),
    ],
    absent: 'argv' in engine ? [] : [engine],
  }
}

/** A container in the same image, or why there is none. */
function podmanRun(tar: string, storage: string, isWanted: (name: string) => boolean): Named | Absent {
  const program = unpackerHere(PODMAN, isWanted)
  if (typeof program !== 'string') return program
  const run = (argv: readonly string[]) =>
    spawnSync(argv[0] ?? '', argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const said = run(podman(storage, 'import', '--quiet', tar))
  const id = said.stdout.trim().split('\n').at(-1) ?? ''
  // The limits of this process may be above what podman may ask for.
  const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096']
  const argv = podman(storage, 'run', '--rm', '--cgroups=disabled', '--network=host', ...limits, id, COMMAND)
  const tried = said.status === 0 ? run(argv) : said
  if (tried.status !== 0)
    return { name: PODMAN.name, why: `installed, but fails here: ${tried.stderr.trim().split('\n').at(-1)}` }
  return { name: 'podman run', argv, does: 'podman run --rm --network=host --cgroups=disabled' }
}
