/**
 * A plan calls programs of nsbox by a name. The sidecar finds them in its own executable or beside its file. Here
 * busybox stands in a part's place.
 */
import { chmodSync, chownSync, copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, failure, inTemp, planOf, SANITIZED, SIDECAR } from '../helpers/nsbox.ts'

const BUSYBOX = '/bin/busybox'

const partWith = (script: string) => ({ part: 'net', argv: ['sh', '-c', script], ends: 'box' })

function planWith(script: string, command: readonly string[], options: readonly string[] = [], supervision = {}) {
  const plan = planOf(['--cwd', '/', ...options, ...command]) as Record<string, unknown> & { supervision?: object }
  return JSON.stringify({
    ...plan,
    helpers: [partWith(script)],
    supervision: { ...plan.supervision, ...supervision },
  })
}

const READY = 'echo r >&3; exec sleep 60'

/** A directory with the sidecar, and the part beside it. */
function pair(dir: string, name = ''): string {
  const file = join(dir, `nsbox-sidecar${name}`)
  copyFileSync(SIDECAR, file)
  copyFileSync(BUSYBOX, join(dir, `nsbox-net${name}`))
  return file
}

const run = (file: string, input: string) => execute(file, ['--plan-fd', '0'], { input })

/** The last bytes of an executable: LENGTH of what is before them, between two words of eight bytes. */
function trailer(before: string, length: number, after: string): Buffer {
  const end = Buffer.alloc(before.length + 8 + after.length)
  end.write(before, 0, 'latin1')
  end.writeBigUInt64LE(BigInt(length), before.length)
  end.write(after, before.length + 8, 'latin1')
  return end
}

/** The sidecar, the part, and a plan if there is one, in one file. */
function whole(dir: string, plan?: string): string {
  const part = readFileSync(BUSYBOX)
  const bytes = [readFileSync(SIDECAR), part, trailer('net\0\0\0\0\0', part.length, 'NSBOXPRT')]
  if (plan !== undefined) bytes.push(Buffer.from(plan), trailer('', Buffer.byteLength(plan), 'NSBOXPLN'))
  const file = join(dir, 'whole')
  writeFileSync(file, Buffer.concat(bytes))
  chmodSync(file, 0o755)
  return file
}

for (const name of ['', '-x64'])
  test(
    `a part is found beside the sidecar${name && `, whatever follows its name (${name})`}`,
    inTemp((dir) => {
      const { status, stdout, stderr } = run(pair(dir, name), planWith(READY, ['echo', 'ran']))
      assert.is(status, 0, stderr)
      assert.is(stdout, 'ran\n')
    }),
  )

// The sanitizers' sidecar finds its plan in no trailer.
if (!SANITIZED)
  test(
    'a part is found in the executable, with a plan behind it and without',
    inTemp((dir) => {
      const plan = planWith(READY, ['echo', 'ran'])
      assert.equal(execute(whole(dir, plan), []), { status: 0, signal: null, stdout: 'ran\n', stderr: '' })
      assert.equal(run(whole(dir), plan), { status: 0, signal: null, stdout: 'ran\n', stderr: '' })
    }),
  )

if (asRoot)
  test(
    'a box that its own processes could reach has a part, too: nsbox is then a copy in memory',
    inTemp((dir) => {
      for (const options of [
        ['--share', 'pid'],
        ['--cap-add', 'sys_ptrace'],
      ]) {
        const plan = planWith(READY, ['echo', 'ran'], options)
        for (const file of [pair(dir), whole(dir)]) {
          const { status, stdout, stderr } = run(file, plan)
          assert.is(status, 0, stderr)
          assert.is(stdout, 'ran\n')
        }
      }
    }),
  )

test(
  'a part gets a process of the box and the status descriptor, and no other file',
  inTemp((dir) => {
    const script = `ls /proc/self/fd | tr '\\n' ' ' >${dir}/open; echo '{"event":"part"}' >&5; test -e /proc/self/fd/4/ns/net; ${READY}`
    const plan = planWith(script, ['true'], [], { statusFd: 1 })
    const { status, stdout, stderr } = run(pair(dir), plan)
    assert.is(status, 0, stderr)
    assert.match(stdout, /^\{"event":"part"\}\n\{"event":"start"/)
    // The last one is the directory that ls reads.
    assert.match(readFileSync(`${dir}/open`, 'latin1'), /^0 1 2 3 4 5 \d+ $/)
    run(pair(dir), planWith(script.replace(/echo.*&5; /, ''), ['true']))
    assert.match(readFileSync(`${dir}/open`, 'latin1'), /^0 1 2 3 4 \d+ $/)
  }),
)

test(
  'a part that ends before or after it is ready ends the box with 125',
  inTemp((dir) => {
    const file = pair(dir)
    failure(
      run(file, planWith('exit 0', ['echo', 'ran'])),
      /^nsbox: helpers: the helper ended, or closed descriptor 3, before it was ready: net\n$/,
    )
    // It has said why.
    failure(
      run(file, planWith('echo nsbox: network: no veth >&2; exit 125', ['echo', 'ran'])),
      /^nsbox: network: no veth\n$/,
    )
    failure(
      run(file, planWith('echo r >&3; sleep 0.1', ['sleep', '60'])),
      /^nsbox: helpers: the helper has ended, and the box with it: net\n$/,
    )
  }),
)

test(
  'a part that is missing, a link, a directory or of somebody else is an error, and nothing runs',
  inTemp((dir) => {
    const plan = planWith(READY, ['touch', join(dir, 'ran')])
    const file = pair(dir)
    const net = join(dir, 'nsbox-net')
    const change = (command: string) => execute('/bin/sh', ['-c', command], { cwd: dir })
    change('rm nsbox-net')
    failure(
      run(file, plan),
      new RegExp(`^nsbox: helpers: open: ${net}: No such file or directory \\(ENOENT\\)\nhint: .*same release\n$`),
    )
    symlinkSync(BUSYBOX, net)
    failure(run(file, plan), /nsbox-net: .*\(ELOOP\)\nhint/)
    change('rm nsbox-net; mkdir nsbox-net')
    failure(run(file, plan), /^nsbox: helpers: not a file of root or of the owner of nsbox-sidecar: .*nsbox-net\n$/)
    change('rmdir nsbox-net')
    if (asRoot) {
      copyFileSync(BUSYBOX, net)
      chownSync(net, 1234, 1234)
      failure(run(file, plan), /^nsbox: helpers: not a file of root or of the owner of nsbox-sidecar: .*nsbox-net\n$/)
    }
    const other = join(dir, 'other')
    copyFileSync(SIDECAR, other)
    failure(
      run(other, plan),
      /^nsbox: helpers: this executable was made without a part that the plan needs: net\nhint: make it anew\n$/,
    )
    assert.is(execute('/bin/ls', [dir]).stdout.includes('ran'), false)
  }),
)

test(
  'a part is found where a mount of the box covers its directory',
  inTemp((dir) => {
    for (const name of ['nsbox-sidecar', 'nsbox-hide']) copyFileSync(join(dirname(SIDECAR), name), join(dir, name))
    const plan = JSON.stringify(planOf(['--cwd', '/', '--tmpfs', '/tmp', '--hide', '/etc/*.none', 'echo', 'ran']))
    const { stdout, stderr } = run(join(dir, 'nsbox-sidecar'), plan)
    assert.is(stdout, 'ran\n', stderr)
  }),
)

test.run()
