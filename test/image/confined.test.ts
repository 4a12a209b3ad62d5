/** What the helper that unpacks can reach while it waits for the rest of an archive: looked at from outside, in /proc. */
import { mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { thisHost } from '../../src/host/bun.ts'
import { startHelper } from '../../src/image/helper.ts'
import { mapKind } from '../../src/image/map.ts'
import { asRoot, inTemp, parseMounts } from '../helpers/nsbox.ts'
import { directory, file, tarOf } from '../helpers/tar.ts'

const NAMESPACES = ['user', 'mnt', 'pid', 'ipc', 'uts', 'cgroup', 'net']
/** chown dac_override fowner fsetid mknod setfcap, as in linux/capability.h. */
const CAPABILITIES = (1n << 0n) | (1n << 1n) | (1n << 3n) | (1n << 4n) | (1n << 27n) | (1n << 31n)

const statusOf = (pid: string): Map<string, string> =>
  new Map(
    readFileSync(`/proc/${pid}/status`, 'utf8')
      .split('\n')
      .map((line) => line.split(':\t') as [string, string]),
  )

/** The processes that this one has started, and that those have. */
function descendants(parent = String(process.pid)): string[] {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ').filter(Boolean)
  return children.flatMap((child) => [child, ...descendants(child)])
}

const isHelper = (pid: string): boolean => statusOf(pid).get('Name') === 'unpack'

/** The helper's processes, once one of them reads what isn't there yet: it reads the archive in a process of its own. */
async function waiting(): Promise<string[]> {
  for (;;) {
    const helpers = descendants().filter(isHelper)
    if (helpers.some((pid) => /^0 0x0 /.test(readFileSync(`/proc/${pid}/syscall`, 'utf8')))) return helpers
    await new Promise((done) => setTimeout(done, 5))
  }
}

/** Looks at the helper when it has half of an archive, and lets it have the rest. */
async function look(dir: string, args: readonly string[], body: (pid: string) => void): Promise<void> {
  const host = thisHost()
  const [target, lower] = [join(dir, 'target'), join(dir, 'lower')]
  for (const path of [target, lower]) mkdirSync(path)
  process.env.NSBOX_CACHE = join(dir, 'cache')
  const archive = tarOf([directory('etc/'), file('etc/long', Buffer.alloc(1 << 20, 'x')), file('etc/last')])
  const half = archive.length / 2
  const running = startHelper({ map: mapKind({}, host), args, target, lowers: [lower], input: 'pipe' }, host)
  try {
    running.input?.write(archive.subarray(0, half))
    for (const pid of await waiting()) body(pid)
    running.input?.end(archive.subarray(half))
    assert.is((await running.ended)?.event, 'done')
  } finally {
    running.kill()
    await running.ended.catch(() => {})
  }
}

/** What each descriptor leads to. One that is closed meanwhile is left out. */
const opened = (pid: string): [number, string][] =>
  readdirSync(`/proc/${pid}/fd`).flatMap((fd): [number, string][] => {
    try {
      return [[Number(fd), readlinkSync(`/proc/${pid}/fd/${fd}`)]]
    } catch {
      return []
    }
  })

function mayLook(pid: string): boolean {
  try {
    readdirSync(`/proc/${pid}/fd`)
    return true
  } catch {
    return false
  }
}

const LAYER = ['layer', '--format', 'tar', '--owners', asRoot ? 'keep' : 'one']

test(
  'the helper that unpacks has a user namespace of its own and no network, and can gain nothing',
  inTemp((dir) =>
    look(dir, LAYER, (pid) => {
      for (const name of NAMESPACES)
        assert.is.not(readlinkSync(`/proc/${pid}/ns/${name}`), readlinkSync(`/proc/self/ns/${name}`), name)
      const devices = readFileSync(`/proc/${pid}/net/dev`, 'utf8').match(/^ *\S+(?=:)/gm)
      assert.equal(
        devices?.map((name) => name.trim()),
        ['lo'],
      )
      assert.equal(readFileSync(`/proc/${pid}/net/route`, 'utf8').trim().split('\n').length, 1)
      const status = statusOf(pid)
      for (const set of ['CapEff', 'CapPrm', 'CapBnd'])
        assert.is(BigInt(`0x${status.get(set)}`) & ~CAPABILITIES, 0n, `${set} ${status.get(set)}`)
      for (const set of ['CapInh', 'CapAmb']) assert.is(BigInt(`0x${status.get(set)}`), 0n, set)
      assert.equal([status.get('NoNewPrivs'), status.get('Seccomp')], ['1', '2'])
      const map = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/).map(Number)
      assert.equal(map, asRoot ? [0, 0, 4294967295] : [0, process.getuid?.(), 1])
    }),
  ),
)

test(
  'it sees its program, the directory for the layer, the layers below, read-only, and nothing else',
  inTemp((dir) =>
    look(dir, LAYER, (pid) => {
      const mounts = parseMounts(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'))
      const flagsOf = (path: string) =>
        mounts.filter((mount) => mount.path === path).map(({ options }) => options.filter((o) => /^(r[ow]|no)/.test(o)))
      assert.equal([...new Set(mounts.map(({ path }) => path))].sort(), ['/', '/lower/0', '/target', '/unpack'])
      // The program is a copy of the box's own.
      assert.equal(mounts.map(({ path, options }) => `${path} ${options[0]}`).sort(), [
        '/ ro',
        '/lower/0 ro',
        '/target rw',
        '/unpack rw',
      ])
      for (const path of ['/', '/lower/0', '/target'])
        for (const flag of ['nosuid', 'nodev']) assert.ok(flagsOf(path)[0]?.includes(flag), `${path} ${flag}`)
      assert.ok(
        mounts.every(({ optional }) => optional.length === 0),
        'a mount is not private',
      )
      assert.equal(readdirSync(`/proc/${pid}/root`).sort(), ['lower', 'target', 'unpack'])
    }),
  ),
)

test(
  'its descriptors are the archive, its events, and what it has opened itself below its own directories',
  inTemp(async (dir) => {
    await look(dir, LAYER, (pid) => {
      // Process 1 of the box lets no ordinary user look at it. What it has open was the supervisor's, its parent's.
      const others = [String(process.pid), ...descendants().filter((other) => !isHelper(other) && mayLook(other))]
      const outside = new Set(others.flatMap((other) => opened(other).map(([, path]) => path)))
      for (const [fd, path] of opened(pid)) {
        const about = `descriptor ${fd}: ${path}`
        if (fd < 3) assert.match(path, /^(pipe|socket):/, about)
        else if (path.startsWith('pipe:')) assert.not.ok(outside.has(path), about)
        else assert.match(path, /^\/(target|lower)(\/|$)/, about)
      }
      for (const name of ['cwd', 'root']) assert.is(readlinkSync(`/proc/${pid}/${name}`), '/', name)
    })
  }),
)

test.run()
