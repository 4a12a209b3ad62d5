/** The layers of an image: locked while a box runs, and missed by name; and files whose text stands in the plan. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, execute, failure, inTemp, planOf, type Ran, SIDECAR, sidecar } from '../helpers/nsbox.ts'

const APIS: readonly string[][] = [[], ['--old-mount-api']]
const IMAGE = 'registry.example/app:1@sha256:0123'

/** COUNT directories, the last of them with a busybox. */
function layers(dir: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const layer = join(dir, `layer${n}/fs`)
    if (n === count - 1) busyboxRoot(layer)
    mkdirSync(join(layer, 'data'), { recursive: true })
    writeFileSync(join(layer, `data/own${n}`), `${n}\n`)
    return layer
  })
}

function imagePlan(lowers: readonly string[], script: string, more: object = {}): Record<string, unknown> {
  const plan = planOf(['--root', lowers.at(-1) as string, '--overlay', 'sh', '-c', script])
  return { ...plan, root: { type: 'layers', options: ['nosuid', 'nodev'], lowers, image: IMAGE }, ...more }
}

function ok({ status, stdout, stderr }: Ran): string {
  assert.equal([status, stderr], [0, ''])
  return stdout
}

/** Whether another process gets this lock at once. */
const isFree = (path: string, how: '-x' | '-s') => spawnSync('flock', ['-n', how, path, 'true']).status === 0

test(
  'each layer is locked while the box runs, for all who would remove it, and free again when it has ended',
  inTemp(async (dir) => {
    const lowers = layers(dir, 3)
    for (const flags of APIS) {
      const child = spawn(SIDECAR, ['--plan-fd', '3', ...flags], { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] })
      const over = new Promise((done) => child.on('close', done))
      const started = new Promise((done) => child.stdout?.once('data', done))
      const pipe = child.stdio[3] as NodeJS.WritableStream
      pipe.end(JSON.stringify(imagePlan(lowers, 'echo in; read line')))
      await started
      assert.equal(
        lowers.map((layer) => [isFree(layer, '-x'), isFree(layer, '-s')]),
        lowers.map(() => [false, true]),
      )
      child.stdin?.end('\n')
      assert.is(await over, 0)
      assert.equal(
        lowers.map((layer) => isFree(layer, '-x')),
        [true, true, true],
      )
    }
  }),
)

test(
  'two boxes show the same layers at once, and a box may be started while somebody only looks at the lock',
  inTemp((dir) => {
    const lowers = layers(dir, 2)
    const plan = JSON.stringify(imagePlan(lowers, 'ls /data'))
    const inner = `exec 9<"$1"; flock -s 9; "$0" --plan-fd 0`
    assert.is(ok(execute('sh', ['-c', inner, SIDECAR, lowers[0] as string], { input: plan })), 'own0\nown1\n')
    const short = `(exec 9<"$1"; flock -x 9; echo >"$2"; sleep 0.2) & while [ ! -e "$2" ]; do :; done; "$0" --plan-fd 0`
    const ran = execute('sh', ['-c', short, SIDECAR, lowers[0] as string, join(dir, 'there')], { input: plan })
    assert.is(ok(ran), 'own0\nown1\n')
  }),
)

test(
  'a layer that is gone, taken away, or being removed is an error that says how to get the image',
  inTemp((dir) => {
    const message =
      /^nsbox: root: open: \S+layer1\/fs: No such file or directory \(ENOENT\)\nhint: nsbox image pull registry\.example\/app:1@sha256:0123\n$/
    for (const flags of APIS) {
      const lowers = layers(join(dir, `a${flags.length}`), 3)
      const plan = imagePlan(lowers, 'echo never')
      const removing = `exec 9<"$1"; flock -x 9; shift; "$0" --plan-fd 0 "$@"`
      const locked = execute('sh', ['-c', removing, SIDECAR, lowers[1] as string, ...flags], {
        input: JSON.stringify(plan),
      })
      failure(locked, message)
      assert.is(locked.stdout, '')
      renameSync(join(lowers[1] as string, '..'), `${lowers[1]}-aside`.replace('/fs', ''))
      failure(sidecar(plan, flags), message)
      rmSync(join(lowers[0] as string, '..'), { recursive: true })
      failure(sidecar(plan, flags), new RegExp(message.source.replace('layer1', 'layer0')))
    }
  }),
)

test(
  '450 layers of an image show, also where few descriptors may be open, and the command gets the limit as it was',
  inTemp((dir) => {
    const lowers = layers(dir, 450)
    for (const flags of APIS) {
      const low = `ulimit -S -n 200; exec "$0" --plan-fd 0 "$@"`
      const ran = execute('sh', ['-c', low, SIDECAR, ...flags], {
        input: JSON.stringify(imagePlan(lowers, 'ls /data | wc -l; ulimit -n')),
      })
      assert.is(ok(ran), '450\n200\n')
    }
  }),
)

test(
  'a file has the content of its source, the text of the plan behind it, or that alone',
  inTemp((dir) => {
    const lowers = layers(dir, 1)
    const source = join(dir, 'hosts')
    writeFileSync(source, '127.0.0.1 localhost\n', { mode: 0o600 })
    const proc = [{ type: 'proc', target: '/proc' }]
    const mounts = [
      { type: 'file', source, text: '127.0.1.1 box\n', target: '/data/own0' },
      { type: 'file', text: 'alone\n', target: '/made/here' },
      { type: 'file', target: '/made/empty' },
      { type: 'file', source: '/proc/sys/kernel/hostname', target: '/made/name' },
    ]
    const script =
      'cat /data/own0 /made/here; wc -c </made/empty; [ "$(cat /made/name)" = "$(cat /proc/sys/kernel/hostname)" ] && stat -c %a /data/own0 /made/here; echo x >>/data/own0'
    for (const flags of APIS) {
      const plan = imagePlan(lowers, script, { mounts: [...proc, ...mounts] })
      assert.is(ok(sidecar(plan, flags)), '127.0.0.1 localhost\n127.0.1.1 box\nalone\n0\n600\n644\n')
    }
    assert.is(execute('cat', [source]).stdout, '127.0.0.1 localhost\n')
  }),
)

test.run()
