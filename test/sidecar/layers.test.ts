/** The variants of a root: layers of one to hundreds of directories, and an empty one. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  busyboxRoot,
  execute,
  failure,
  inTemp,
  INTERFACES,
  nsbox,
  planOf,
  type Ran,
  SIDECAR,
  sidecar,
  treeOf,
} from '../helpers/nsbox.ts'

const APIS: readonly string[][] = [[], ['--old-mount-api']]
type Layered = { lowers: string[]; state?: string; options?: string[] }

/** COUNT directories, the last of them with a busybox; each has a file of its own, and a file that all have. */
function layers(dir: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const layer = join(dir, `layer ${n}, of:${count}`)
    if (n === count - 1) busyboxRoot(layer, ['proc', 'dev', 'tmp'])
    mkdirSync(join(layer, 'data'), { recursive: true })
    writeFileSync(join(layer, 'data/which'), `${n}\n`)
    writeFileSync(join(layer, 'data', `own${n}`), '')
    return layer
  })
}

function layeredPlan(root: Layered, script: string): Record<string, unknown> {
  const plan = planOf(['--root', root.lowers.at(-1) as string, '--overlay', 'sh', '-c', script])
  return { ...plan, root: { type: 'layers', options: ['nosuid', 'nodev'], ...root } }
}

function ok({ status, stdout, stderr }: Ran): string {
  assert.equal([status, stderr], [0, ''])
  return stdout
}

for (const count of [1, 2, 100, 400]) {
  for (const flags of APIS) {
    test(
      `layers show as one tree, the topmost first, and none is written to: ${count}${flags.length > 0 ? ', mount(2)' : ''}`,
      inTemp((dir) => {
        const lowers = layers(dir, count)
        const before = lowers.map(treeOf)
        const script =
          'cat /data/which; ls /data | grep -c own; echo x >/data/which; echo y >/new; rm /data/own0; mv /data /moved 2>/dev/null; cat /new'
        assert.is(ok(sidecar(layeredPlan({ lowers }, script), flags)), `0\n${count}\ny\n`)
        assert.equal(lowers.map(treeOf), before)
      }),
    )
  }
}

test(
  '500 layers are as many as a root may have',
  inTemp((dir) => {
    const lowers = layers(dir, 500)
    const open = `ulimit -n 4096 2>/dev/null; exec "$0" --plan-fd 0 "$@"`
    for (const flags of APIS) {
      const ran = execute('sh', ['-c', open, SIDECAR, ...flags], {
        input: JSON.stringify(layeredPlan({ lowers }, 'ls /data | grep -c own')),
      })
      assert.is(ok(ran), '500\n')
    }
  }),
)

test(
  'changes over several layers are kept, and are there again',
  inTemp((dir) => {
    const lowers = layers(dir, 3)
    const state = join(dir, 'state')
    mkdirSync(state)
    for (const flags of APIS) {
      ok(sidecar(layeredPlan({ lowers, state }, 'echo mine >/data/which; rm -f /data/own1'), flags))
      assert.is(
        ok(sidecar(layeredPlan({ lowers, state }, 'cat /data/which; ls /data'), flags)),
        'mine\nown0\nown2\nwhich\n',
      )
    }
    assert.is(readFileSync(join(lowers[1] as string, 'data/which'), 'utf8'), '1\n')
  }),
)

test(
  'layers can be read-only once all mount points are made',
  inTemp((dir) => {
    const lowers = layers(dir, 2)
    for (const flags of APIS) {
      const plan = {
        ...layeredPlan({ lowers, options: ['ro', 'nosuid', 'nodev'] }, 'echo x >/data/which'),
        mounts: [{ type: 'tmpfs', target: '/made/here' }],
      }
      const { status, stderr } = sidecar(plan, flags)
      assert.is(status, 1, stderr)
      assert.match(stderr, /Read-only file system/)
      assert.is(
        lowers.some((layer) => existsSync(join(layer, 'made'))),
        false,
      )
    }
  }),
)

test(
  'a layer that is missing, or is a file, is named',
  inTemp((dir) => {
    const lowers = layers(dir, 3)
    writeFileSync(join(dir, 'file'), '')
    const [top, , bottom] = lowers as [string, string, string]
    for (const flags of APIS) {
      for (const list of [
        [join(dir, 'gone'), top, bottom],
        [top, join(dir, 'gone'), bottom],
      ]) {
        failure(
          sidecar(layeredPlan({ lowers: list }, 'true'), flags),
          /^nsbox: root: open: \S+\/gone: No such file or directory \(ENOENT\)\nhint: nsbox rootfs build /,
        )
      }
      failure(
        sidecar(layeredPlan({ lowers: [top, join(dir, 'file'), bottom] }, 'true'), flags),
        /^nsbox: root: is not a directory: \S+\/file\nhint: .*--image FILE\n$/,
      )
    }
  }),
)

const hasStrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
for (const count of [2, 20, 400]) {
  ;(hasStrace ? test : test.skip)(
    `${count} layers show where the kernel takes them as one list alone, as before Linux 6.7`,
    inTemp((dir) => {
      const lowers = layers(dir, count)
      const input = JSON.stringify(layeredPlan({ lowers }, 'cat /data/which; ls /data | grep -c own'))
      const trace = (more: readonly string[]) => {
        const ran = execute(
          'strace',
          ['-f', '-o', join(dir, 'trace'), '-e', 'trace=fsconfig,mount,chdir', ...more, SIDECAR, '--plan-fd', '0'],
          { input },
        )
        return {
          ran,
          calls: readFileSync(join(dir, 'trace'), 'utf8')
            .split('\n')
            .filter((line) => line.includes('fsconfig(')),
        }
      }
      const first = trace([]).calls.findIndex((line) => line.includes('"lowerdir+"'))
      assert.ok(first >= 0, 'this kernel does not know lowerdir+, and the list is what the other tests use')
      // Both tries of it: with the notes for renames, and without.
      const { ran, calls } = trace(['-e', `inject=fsconfig:error=EINVAL:when=${first + 1}..${first + 3}`])
      assert.is(calls.filter((line) => line.includes('"lowerdir+"') && !line.includes('EINVAL')).length, 0)
      assert.equal([ran.status, ran.stdout], [0, `0\n${count}\n`], ran.stderr)
    }),
  )
}

for (const { name, box } of INTERFACES) {
  test(`--tmpfs / as the first mount is an empty root, which has what is mounted in it and nothing else: ${name}`, () => {
    const { status, stdout, stderr } = box([
      '--tmpfs',
      '/',
      '--ro-bind',
      '/bin/busybox:/bin/busybox',
      '--tmpfs',
      '/tmp',
      '/bin/busybox',
      'ls',
      '/',
    ])
    assert.equal([status, stdout, stderr], [0, 'bin\ntmp\n', ''])
    const written = box([
      '--tmpfs',
      '/:size=1m',
      '--ro-bind',
      '/bin/busybox:/bin/busybox',
      '/bin/busybox',
      'sh',
      '-c',
      'p=/bin/busybox; $p pwd; $p stat -c %a /; echo x >/x && $p cat /x; $p dd if=/bin/busybox of=/big bs=1M count=4 2>&1 | $p grep -o "No space.*"',
    ])
    assert.equal([written.status, written.stdout.split('\n').slice(0, 3)], [0, ['/', '755', 'x']], written.stderr)
    assert.is(
      box(['--tmpfs', '/:mode=1777', '--ro-bind', '/bin/busybox:/busybox', '/busybox', 'stat', '-c', '%a', '/']).stdout,
      '1777\n',
    )
    const readonly = box(['--ro', '--tmpfs', '/', '--ro-bind', '/bin/busybox:/busybox', '/busybox', 'touch', '/x'])
    assert.match(readonly.stderr, /Read-only file system/)
  })
}

test("--tmpfs / that can't be the root says why", () => {
  const rows: readonly [args: string[], message: RegExp][] = [
    [['--root', '/', '--tmpfs', '/'], /^nsbox: --root and --tmpfs \/: both say what the root is\n$/],
    [['--overlay', '--tmpfs', '/'], /^nsbox: --overlay and --tmpfs \/: /],
    [['--bind', '/usr', '--tmpfs', '/'], /^nsbox: --tmpfs \/: must come before all other mounts\nhint: /],
    [['--dir', '/x', '--tmpfs', '//.'], /^nsbox: --tmpfs \/: must come before all other mounts\nhint: /],
    [['--tmpfs', '/', '--tmpfs', '/'], /^nsbox: --tmpfs \/: is there twice\nhint: /],
  ]
  for (const [args, message] of rows) {
    for (const verb of [[], ['plan'], ['explain']]) {
      const { status, stderr } = nsbox([...verb, ...args, 'true'])
      assert.equal([status, message.test(stderr)], [2, true], `${args.join(' ')}: ${stderr}`)
    }
  }
})

test('explain says what kind of root the box has', () => {
  const told = nsbox(['explain', '--tmpfs', '/:size=1m', '--ro-bind', '/bin', 'true']).stdout
  assert.match(told, 'Take an empty directory as the root')
  assert.match(told, /^ {2}\/ +box {2}\(tmpfs\)$/m)
})

test('a plan of contract 1 says how to get one of today, in both halves', () => {
  const plan = JSON.stringify({
    contract: 1,
    namespaces: ['mount'],
    root: { type: 'overlay', path: '/' },
    process: { argv: ['true'] },
  })
  const message =
    /^nsbox: read plan: an older nsbox made this plan \(contract 1, and this program speaks contract 2\): make it anew with nsbox plan: \/contract\n$/
  failure(sidecar(plan), message)
  failure(nsbox(['run', '--plan', '-'], { input: plan }), message)
})

test.run()
