/** A start of an image goes by what the last one has noted, and looks again where that is no longer true. */
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheEnv, image, result } from '../helpers/image-cache.ts'
import { putImage, REFERENCE } from '../helpers/image.ts'
import { asRoot, execute, inTemp, NSBOX, nsbox, PLAIN } from '../helpers/nsbox.ts'
import { dockerArchiveOf, layoutOf, type ImageOf } from '../helpers/oci.ts'
import { tarOf } from '../helpers/tar.ts'

const SYSTEM = tarOf([
  { name: 'bin/', type: '5' },
  { name: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
  ...['sh', 'cat', 'id', 'env'].map((name) => ({ name: `bin/${name}`, type: '2' as const, link: 'busybox' })),
  { name: 'etc/', type: '5' },
  { name: 'etc/passwd', content: 'root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv/web:/bin/sh\n' },
  { name: 'etc/group', content: 'root:x:0:\nweb:x:33:\nmore:x:44:web\n' },
  { name: 'home/', type: '5' },
  { name: 'srv/', type: '5' },
  { name: 'srv/web/', type: '5' },
  { name: 'srv/etc', type: '2', link: '/etc' },
  { name: 'tmp/', type: '5' },
  { name: 'config', type: '2', link: 'etc' },
])
const saying = (word: string): ImageOf => ({
  name: 'v1',
  config: { User: 'web', Env: [`SAYS=${word}`, 'PATH=/bin'], Cmd: ['sh', '-c', 'echo $SAYS $HOME'] },
  layers: [{ tar: SYSTEM }],
})

const archiveSaying = (word: string): Buffer => dockerArchiveOf(saying(word), ['app:v1'])

const starts = (dir: string): string => join(dir, 'cache/images/v1/starts')
const recordsIn = (dir: string): string[] => readdirSync(starts(dir)).map((name) => join(starts(dir), name))

/** The plan that a start hands over, and whether it looked into the cache's other records. */
function start(dir: string, args: readonly string[], cwd = '/'): { plan: unknown; looked: boolean; stdout: string } {
  const log = join(dir, 'log')
  const { status, stdout, stderr } = execute(
    'strace',
    ['-f', '-s', '100000', '-e', 'trace=open,openat,write', '-o', log, NSBOX, ...args],
    { env: cacheEnv(dir), cwd },
  )
  assert.is(status, 0, stderr)
  const lines = readFileSync(log, 'utf8').split('\n')
  const plan = lines.map((line) => /write\(\d+, ("\{\\"contract.*\}"), \d+\)/.exec(line)?.[1]).find(Boolean) ?? '""'
  return {
    plan: JSON.parse(JSON.parse(plan) as string),
    looked: lines.some((line) => line.includes('/images/v1/images/')),
    stdout,
  }
}

/** Starts twice, and returns what the second did. */
const startAgain = (dir: string, args: readonly string[], cwd?: string) => {
  start(dir, args, cwd)
  return start(dir, args, cwd)
}

const printed = (dir: string, args: readonly string[], cwd = '/'): string =>
  result(nsbox(args, { env: cacheEnv(dir), cwd }))

function startTest(title: string, body: (dir: string) => void): void {
  // Without native code nobody verifies what was noted, so each start looks.
  if (PLAIN) return test.skip(`${title} (a build without native code)`, () => undefined)
  test(title, inTemp(body))
}

startTest('a start goes by the record, and its plan is the one that nsbox plan makes by looking', (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  layoutOf(join(dir, 'layout'), [saying('hello')])
  mkdirSync(join(dir, 'work'))
  const rows: readonly (readonly string[])[] = [
    ['--image', archive],
    ['--image', `docker-archive:${archive}`],
    ['--image', `oci:${dir}/layout`],
    ['--image', archive, '--ro', '--net', 'none', '--hostname', 'box'],
    ['--image', archive, '--user', '0', '--env', 'A=1'],
    ['--image', archive, '--user', 'root'],
    ['--image', archive, '--bind', `${dir}/work:/work`, '--tmpfs', '/tmp'],
    ['--image', archive, '--bind', `${dir}/work:/home/me/work`],
    ['--image', archive, '--map-root'],
    ['--image', archive, '--userns'],
  ]
  for (const args of rows) {
    const command = [...args, '--', 'sh', '-c', 'id; env']
    const { plan, looked } = startAgain(dir, command)
    assert.equal(plan, JSON.parse(printed(dir, ['plan', ...command], '/')), command.join(' '))
    assert.is(looked, false, command.join(' '))
  }
})

startTest('the first start after a pull goes by the record of the pull', (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  result(image(dir, 'pull', archive))
  const { looked, stdout } = start(dir, ['--image', archive])
  assert.equal([looked, stdout], [false, 'hello /srv/web\n'])
})

startTest('a file that has changed is another image, even with the size and time of the old one', (dir) => {
  const [archive, other] = [join(dir, 'app.tar'), join(dir, 'other.tar')]
  writeFileSync(archive, archiveSaying('hello'))
  writeFileSync(other, archiveSaying('world'))
  assert.is(statSync(archive).size, statSync(other).size)
  const { atime, mtime } = statSync(archive)
  assert.is(startAgain(dir, ['--image', archive]).stdout, 'hello /srv/web\n')
  utimesSync(other, atime, mtime)
  renameSync(other, archive)
  assert.is(printed(dir, ['--image', archive]), 'world /srv/web\n')
  assert.is(start(dir, ['--image', archive]).looked, false)
})

startTest('a record that is damaged or of another form is made anew', (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  startAgain(dir, ['--image', archive])
  const [record = ''] = recordsIn(dir)
  const whole = readFileSync(record)
  const hashed = (text: string): string => Bun.hash(text).toString(16).padStart(16, '0') + text
  const damages: (() => void)[] = [
    () => truncateSync(record, 0),
    () => truncateSync(record, 700),
    () => writeFileSync(record, 'nonsense'),
    () => writeFileSync(record, Buffer.from(whole.map((byte, n) => (n === 500 ? byte ^ 1 : byte)))),
    () => writeFileSync(record, hashed('null')),
    () => writeFileSync(record, hashed('{}')),
    () =>
      writeFileSync(
        record,
        hashed(JSON.stringify({ key: (JSON.parse(whole.toString().slice(16)) as { key: string }).key })),
      ),
    () => rmSync(record),
    () => {
      rmSync(record)
      mkdirSync(record)
    },
  ]
  for (const [n, damage] of damages.entries()) {
    damage()
    const first = start(dir, ['--image', archive])
    assert.equal([first.looked, first.stdout], [true, 'hello /srv/web\n'], String(n))
    if (n < damages.length - 1) assert.equal(readFileSync(record), whole, String(n))
  }
})

startTest('what the record leads to may be gone: then it is unpacked again', (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  startAgain(dir, ['--image', archive])
  const images = join(dir, 'cache/images/v1')
  const [kind = ''] = readdirSync(join(images, 'layers'))
  for (const gone of [`layers/${kind}`, 'images', 'host-files', 'starts']) {
    rmSync(join(images, gone), { recursive: true })
    const { looked, stdout } = start(dir, ['--image', archive])
    assert.equal([looked, stdout], [true, 'hello /srv/web\n'], gone)
    assert.is(start(dir, ['--image', archive]).looked, false, gone)
  }
  result(image(dir, 'rm', archive))
  assert.equal(recordsIn(dir), [])
  printed(dir, ['--image', archive])
  result(image(dir, 'prune'))
  assert.equal(recordsIn(dir), [])
})

startTest("a mount that changes the box's passwd changes HOME, through links too", (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  const passwd = join(dir, 'passwd')
  writeFileSync(passwd, 'web:x:33:33::/elsewhere:/bin/sh\n')
  mkdirSync(join(dir, 'etc'))
  copyFileSync(passwd, join(dir, 'etc/passwd'))
  symlinkSync('/etc', join(dir, 'work'))
  const rows = [
    ['--ro-bind', `${passwd}:/etc/passwd`],
    ['--ro-bind', `${dir}/etc:/etc`],
    ['--ro-bind', `${passwd}:/config/passwd`],
    ['--ro-bind', `${passwd}:/srv/etc/passwd`],
    ['--ro-bind', `${passwd}:/home/../etc/passwd`],
    ['--symlink', '/etc:/way', '--ro-bind', `${passwd}:/way/passwd`],
    ['--file', `${passwd}:/etc/passwd`],
  ]
  printed(dir, ['--image', archive])
  for (const mounts of rows)
    for (const _ of [1, 2])
      assert.is(printed(dir, ['--image', archive, ...mounts]), 'hello /elsewhere\n', mounts.join(' '))
  assert.is(printed(dir, ['--image', archive, '--user', 'root']), 'hello /root\n')
})

startTest('a name in a registry means the image that was pulled last, and no file that has come up', (dir) => {
  const fill = (layer: string): void => {
    mkdirSync(join(layer, 'bin'))
    copyFileSync('/bin/busybox', join(layer, 'bin/busybox'))
    symlinkSync('busybox', join(layer, 'bin/echo'))
  }
  const put = (word: string) => putImage(join(dir, 'cache'), [fill], { cmd: ['/bin/echo', word] })
  put('old')
  const box = join(dir, 'box')
  mkdirSync(box)
  const args = ['--image', REFERENCE]
  assert.equal([startAgain(dir, args, box).stdout, start(dir, args, box).looked], ['old\n', false])
  rmSync(join(dir, 'cache/images/v1/layers'), { recursive: true })
  put('new')
  assert.is(start(dir, args, box).stdout, 'new\n')
  assert.is(start(dir, args, box).looked, false)
  mkdirSync(join(box, 'registry.example'))
  symlinkSync('nowhere', join(box, REFERENCE))
  const { status, stderr } = nsbox(args, { env: cacheEnv(dir), cwd: box })
  assert.is(status, 2, stderr)
  assert.match(stderr, /may mean a file here, or an image in a registry/)
})

startTest('the time of the last use is true to a minute', (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  startAgain(dir, ['--image', archive])
  const images = join(dir, 'cache/images/v1/images')
  const record = join(images, readdirSync(images)[0] as string)
  for (const used of [new Date(Date.now() - 100_000), new Date(Date.now() + 100_000)]) {
    utimesSync(record, used, used)
    assert.is(start(dir, ['--image', archive]).looked, false)
    assert.ok(Math.abs(statSync(record).mtimeMs - Date.now()) < 60_000)
  }
})

startTest('a cache that can only be read is enough', (dir) => {
  const archive = join(dir, 'app.tar')
  writeFileSync(archive, archiveSaying('hello'))
  printed(dir, ['--image', archive])
  // As root only a read-only mount keeps from writing.
  const script = asRoot ? 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && "$@"' : 'shift; "$@"'
  if (!asRoot) for (const record of recordsIn(dir)) execute('chmod', ['400', record])
  const { status, stdout, stderr } = execute(
    asRoot ? 'unshare' : 'sh',
    [...(asRoot ? ['-m', 'sh'] : []), ...['-c', script, 'sh', join(dir, 'cache'), NSBOX, '--image', archive]],
    { env: cacheEnv(dir) },
  )
  assert.equal([status, stdout], [0, 'hello /srv/web\n'], stderr)
})

test.run()
