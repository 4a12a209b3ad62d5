// seconds: 300
/** Pulls beside each other, killed, stopped and out of space; images that are removed while boxes run them. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheEnv, image, layersIn, leftIn, result, treesOf } from '../helpers/image-cache.ts'
import { asRoot, failure, inTemp, NSBOX, OUTSIDE_OF_TMP } from '../helpers/nsbox.ts'
import { layoutOf, type ImageOf } from '../helpers/oci.ts'
import { tarOf } from '../helpers/tar.ts'

/** Large enough to be caught in the middle: 10,000 files take a second or more. */
const MANY = tarOf(Array.from({ length: 10000 }, (_, n) => ({ name: `many/${n}`, content: String(n) })))
const BUSYBOX = tarOf([
  { name: 'bin/', type: '5' },
  { name: 'bin/busybox', mode: 0o755, content: readFileSync('/bin/busybox') },
  { name: 'bin/sleep', type: '2', link: 'busybox' },
  { name: 'bin/sh', type: '2', link: 'busybox' },
])
const LARGE: ImageOf = { layers: [{ tar: BUSYBOX }, { tar: MANY, compress: 'none' }] }

const start = (dir: string, ...args: string[]): ChildProcess =>
  spawn(NSBOX, args, { ...OUTSIDE_OF_TMP, env: cacheEnv(dir), stdio: ['ignore', 'pipe', 'pipe'] })

type Ended = { status: number | null; signal: NodeJS.Signals | null; stderr: string }

function ended(child: ChildProcess): Promise<Ended> {
  let stderr = ''
  child.stderr?.on('data', (data: Buffer) => (stderr += data))
  child.stdout?.resume()
  return new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, stderr })))
}

/** Waits until the condition holds, or throws after a minute. */
async function until(what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 6000; tries++) {
    if (condition()) return
    await Bun.sleep(10)
  }
  throw new Error(`never: ${what}`)
}

/** Whether the second layer is being unpacked. */
function isInTheMiddle(dir: string): boolean {
  const layers = join(dir, 'cache/images/v1/layers')
  return leftIn(dir).some((name) =>
    readdirSync(layers).some((kind) => existsSync(join(layers, kind, name, 'fs/many/1000'))),
  )
}

test(
  'two pulls of one image at once both have it, and nothing is left over',
  inTemp(async (dir) => {
    layoutOf(join(dir, 'layout'), [LARGE])
    const both = await Promise.all([1, 2].map(() => ended(start(dir, 'image', 'pull', `oci:${dir}/layout`))))
    for (const { status, stderr } of both) assert.is(status, 0, stderr)
    assert.equal(leftIn(dir), [])
    assert.is(layersIn(dir).length, 2)
    assert.match(result(image(dir, 'verify')), /^2 layers, 0 differences/)
  }),
)

test(
  'a pull that is killed leaves no half of a layer, and the next one goes on behind the last whole one',
  inTemp(async (dir) => {
    layoutOf(join(dir, 'layout'), [LARGE])
    const pull = start(dir, 'image', 'pull', `oci:${dir}/layout`)
    const end = ended(pull)
    await until('the second layer is unpacked', () => isInTheMiddle(dir))
    pull.kill('SIGKILL')
    await end
    const whole = layersIn(dir).filter((name) => /^[0-9a-f]{64}$/.test(name))
    assert.is(whole.length, 1)
    assert.is(result(image(dir, 'ls', '--json')), '[]\n')
    const path = join(dir, 'cache/images/v1/layers', asRoot ? 'root' : 'one', whole[0] ?? '')
    const { ino } = statSync(path)
    result(image(dir, 'pull', `oci:${dir}/layout`))
    assert.is(statSync(path).ino, ino)
    assert.equal(leftIn(dir), [])
    assert.is(readdirSync(join(treesOf(dir, `oci:${dir}/layout`)[1] ?? '', 'many')).length, 10000)
  }),
)

test(
  'a pull that is stopped by a signal says so, and removes what is half done',
  inTemp(async (dir) => {
    layoutOf(join(dir, 'layout'), [LARGE])
    const pull = start(dir, 'image', 'pull', '--quiet', `oci:${dir}/layout`)
    const end = ended(pull)
    await until('the second layer is unpacked', () => isInTheMiddle(dir))
    pull.kill('SIGTERM')
    const { status, stderr } = await end
    assert.is(status, 143, stderr)
    assert.is(stderr, 'nsbox: image: stopped by SIGTERM\n')
    assert.equal(leftIn(dir), [])
  }),
)

;(asRoot ? test : test.skip)(
  'on a full disk a pull says where more room could be, and leaves no half of a layer (the test has to mount a small disk)',
  inTemp((dir) => {
    layoutOf(join(dir, 'layout'), [LARGE])
    mkdirSync(join(dir, 'cache'), { mode: 0o700 })
    const mount = (...args: string[]) => assert.is(spawnSync('mount', args).status, 0)
    mount('-t', 'tmpfs', '-o', 'size=12m,mode=0700', 'tmpfs', join(dir, 'cache'))
    try {
      const ran = image(dir, 'pull', `oci:${dir}/layout`)
      failure(ran, /^nsbox: image: unpack: .*many\/\d+: No space left on device \(ENOSPC\)\nhint: .*NSBOX_CACHE/m)
      assert.equal(leftIn(dir), [])
      assert.is(result(image(dir, 'ls', '--json')), '[]\n')
      mount('-o', 'remount,size=200m', join(dir, 'cache'))
      result(image(dir, 'pull', `oci:${dir}/layout`))
    } finally {
      assert.is(spawnSync('umount', [join(dir, 'cache')]).status, 0)
    }
  }),
)

test(
  'no image is removed below a box that runs it',
  inTemp(async (dir) => {
    const reference = `oci:${dir}/layout`
    layoutOf(join(dir, 'layout'), [{ layers: [{ tar: BUSYBOX }, { tar: tarOf([{ name: 'x', content: 'x' }]) }] }])
    result(image(dir, 'pull', reference))
    const box = spawn(NSBOX, ['--image', reference, '--', '/bin/sh', '-c', 'echo runs; exec sleep 100'], {
      ...OUTSIDE_OF_TMP,
      env: cacheEnv(dir),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const first = await new Promise((resolve) => box.stdout.once('data', (data: Buffer) => resolve(String(data))))
      assert.is(first, 'runs\n')
      failure(image(dir, 'rm', reference), /is in use by a running box: oci:/)
      assert.match(result(image(dir, 'prune', '--keep', '0')), /1 in use by running boxes stay\n$/)
      assert.is(layersIn(dir).length, 2)
      assert.match(result(image(dir, 'verify')), /^2 layers, 0 differences/)
    } finally {
      box.kill('SIGKILL')
      await new Promise((resolve) => box.once('close', resolve))
    }
    await until('the box has ended', () => image(dir, 'rm', reference).status === 0)
    assert.equal(layersIn(dir), [])
  }),
)

test(
  'verify names a file that has changed in the cache',
  inTemp((dir) => {
    const reference = `oci:${dir}/layout`
    layoutOf(join(dir, 'layout'), [{ layers: [{ tar: BUSYBOX }] }])
    result(image(dir, 'pull', reference))
    appendFileSync(join(treesOf(dir, reference)[0] ?? '', 'bin/busybox'), 'x')
    const { status, stdout } = image(dir, 'verify', reference)
    assert.is(status, 1)
    assert.match(stdout, /^differs: (root|one)\/[0-9a-f]{64}: bin\/busybox\n1 layer, 1 difference\n$/)
  }),
)

test.run()
