/** A box in a box: where the outer one allows it; and where not, the message says what stands in the way, and what to do. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, failure, nsbox, NSBOX } from '../helpers/nsbox.ts'

const nested = (outer: readonly string[], inner: readonly string[], command = ['sh', '-c', 'echo $$; exit 7']) => nsbox(['--quiet', ...outer, NSBOX, ...inner, ...command])

/** Options of the outer box and of the inner one that go together, as root and as a user. */
const ALLOWED: readonly (readonly [string[], string[]])[] = [
  [['--privileged'], []], [['--privileged'], ['--userns']], [['--privileged', '--map-root'], []], [['--privileged'], ['--net', 'none', '--tmpfs', '/tmp']],
  [['--privileged', '--share', 'pid'], []], [['--seccomp', 'none'], ['--userns', '--share', 'pid']], [['--map-root', '--cap-add', 'sys_admin'], []],
  ...(asRoot ? [[['--cap-add', 'sys_admin'], []], [['--cap-add', 'all', '--seccomp', 'none'], []]] as const : [[['--cap-add', 'sys_admin'], ['--share', 'pid']]] as const),
].map(([outer, inner]) => [[...outer], [...inner]])

for (const [outer, inner] of ALLOWED) {
  test(`nsbox ${outer.join(' ')} nsbox ${inner.join(' ')}`, () => {
    const { status, stdout, stderr } = nested(outer, inner)
    assert.is(status, 7, stderr)
    if (!inner.includes('pid')) assert.is(stdout, '2\n')
  })
}

test('what the outer box has taken away the inner one cannot give', () => {
  const { stdout } = nested(['--privileged', '--map-root', '--cap-drop', 'net_raw', '--ro'], ['--cap-add', 'all'], ['sh', '-c', 'grep CapEff /proc/self/status; touch /usr/x 2>/dev/null || echo read-only'])
  const [, held = '', rest] = /^CapEff:\t(\w+)\n(.*)$/s.exec(stdout) ?? []
  const NET_RAW = 13n
  const SYS_CHROOT = 18n
  assert.equal([NET_RAW, SYS_CHROOT].map((bit) => BigInt(`0x${held}`) >> bit & 1n), [0n, 1n], stdout)
  assert.is(rest, 'read-only\n')
})

for (const outer of [[], ['--map-root'], ['--userns'], ['--share', 'pid']]) {
  for (const inner of [[], ['--userns'], ['--share', 'pid']]) {
    test(`nsbox ${outer.join(' ')} nsbox ${inner.join(' ')} is refused by the outer filter, and says so`, () => {
      const ran = nested(outer, inner)
      failure(ran, /^nsbox: namespaces: make a process in new namespaces: Operation not permitted \(EPERM\)\nhint: a seccomp filter is in force here, as in a box or a container, .*--privileged or --cap-add sys_admin\n$/)
      assert.is(ran.stdout, '')
    })
  }
}

test('a masked /proc above is named, and no other process is shown instead', () => {
  const ran = nested(['--seccomp', 'none'], ['--userns'])
  failure(ran, /^nsbox: mounts: mount proc: \/proc: Operation not permitted \(EPERM\)\nhint: something is mounted over parts of this \/proc,.*--share pid/)
})

test('the doctor in a box tells that it is in one', () => {
  const { stdout } = nsbox([NSBOX, 'doctor'])
  assert.match(stdout, /user namespaces: refused by the filter of the box that this runs in\n.*\n +fix: nsbox --privileged/)
  assert.match(stdout, /proc: parts of \/proc are masked/)
})

test('a box in a box ends with the outer nsbox', () => {
  const word = `nested-${process.pid}`
  const { status } = execute('bash', ['-c', `"$0" --quiet --privileged --env MARK=${word} "$0" sleep 1000 & for t in $(seq 500); do [ "$(grep -lz MARK=${word} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | wc -l)" -ge 4 ] && break; sleep 0.02; done; kill -KILL $!; wait $!; for t in $(seq 500); do grep -qz MARK=${word} /proc/[0-9]*/environ 2>/dev/null || exit 0; sleep 0.02; done; exit 1`, NSBOX])
  assert.is(status, 0)
})

test.run()
