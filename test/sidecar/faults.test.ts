/**
 * Each system call of the set-up fails once. Then either the box is as it should be, or there is one clear line, and
 * nothing is left. The command tells all that isolates it, so a box that runs with less of it shows.
 */
// seconds: 100
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, busyboxRoot, execute, inTemp, planOf, SANITIZED, SIDECAR, treeOf } from '../helpers/nsbox.ts'

/** These calls return no error, or belong to the end of the process or to the C library's memory. */
const LEFT_OUT = new Set([
  'exit_group',
  'exit',
  'brk',
  'mmap',
  'munmap',
  'mprotect',
  'madvise',
  'arch_prctl',
  'set_tid_address',
  'set_robust_list',
  'rseq',
  'getrandom',
  'restart_syscall',
  'execveat',
  'rt_sigreturn',
])

/** How often the process that makes a call most makes it, before the command runs. */
function callsOf(log: string): Map<string, number> {
  const counts = new Map<string, Map<string, number>>()
  const running = new Set<string>()
  for (const line of log.split('\n')) {
    const [, pid = '', name = ''] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (name === '' || running.has(pid)) continue
    if (name === 'execve' && line.includes('"/bin/tell"')) running.add(pid)
    const of = counts.get(name) ?? new Map<string, number>()
    counts.set(name, of.set(pid, (of.get(pid) ?? 0) + 1))
  }
  return new Map([...counts].map(([name, of]) => [name, Math.max(...of.values())]))
}

for (const flag of [[], ['--old-mount-api']]) {
  const name = flag.length === 0 ? 'mount API' : 'mount(2)'
  test(
    `no failing system call of the set-up leaves a box with less than it should have (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'm', 'ro'])
      mkdirSync(join(dir, 'source'))
      writeFileSync(join(dir, 'source/file'), 'content\n')
      const plan = planOf([
        '--root',
        root,
        '--ro',
        '--tmpfs',
        '/m',
        '--file',
        `${dir}/source/file:/m/file`,
        '--ro-bind',
        `${dir}/source:/ro`,
        '--dir',
        '/made/deep',
        '--symlink',
        'to:/link',
        '--net',
        'none',
        '--hostname',
        'boxed',
        '--user',
        '7:7',
        '--clear-env',
        '/bin/tell',
        '/m/file',
        '/proc/net/dev',
      ])
      plan.process.limits = [{ resource: 'nofile', soft: 99 }]
      const file = join(dir, 'plan.json')
      writeFileSync(file, JSON.stringify(plan))
      copyFileSync(join(BIN, 'tell'), join(root, 'bin/tell'))
      const before = treeOf(root)
      const reset = () => {
        rmSync(join(root, 'made'), { recursive: true, force: true })
        rmSync(join(root, 'link'), { force: true })
      }
      const run = (...strace: string[]) =>
        execute(
          'timeout',
          [
            '-s',
            'KILL',
            '20',
            'prlimit',
            '--nofile=300:300',
            'strace',
            '--seccomp-bpf',
            '-f',
            '-qq',
            ...strace,
            SIDECAR,
            '--plan',
            file,
            ...flag,
          ],
          { stdio: ['ignore', 'pipe', 'pipe'] },
        )

      const log = join(dir, 'log')
      const good = run('-o', log)
      assert.is(good.status, 0, good.stderr)
      assert.match(good.stdout, 'NoNewPrivs:\t1')
      assert.match(good.stdout, '/m/file content')
      reset()
      assert.equal(treeOf(root), before)

      // A refused call of the mount API makes the box by mount(2), which lists the same mounts in another order.
      const inOrder = (text: string) => text.split('\n').sort().join('\n')
      const wrong: string[] = []
      let tried = 0
      let failed = 0
      for (const [call, most] of callsOf(readFileSync(log, 'utf8'))) {
        if (LEFT_OUT.has(call)) continue
        // A call that comes more often is in a loop over descriptors or capabilities.
        for (let nth = 1; nth <= Math.min(most, 24); nth++) {
          const { status, stdout, stderr } = run(
            '-o',
            '/dev/null',
            '-e',
            `trace=${call}`,
            '-e',
            `inject=${call}:error=EPERM:when=${nth}`,
          )
          tried++
          const what = `${call} ${nth}: status ${status}`
          if (status === 0 && inOrder(stdout) === inOrder(good.stdout)) {
            reset()
            continue
          }
          failed++
          // With the sanitizers (`make sanitize`) their own calls fail too, which ends in an assertion of theirs, and
          // those of the dynamic loader.
          if (
            SANITIZED &&
            /AddressSanitizer: CHECK failed|^==\d+==WARNING: |error while loading shared libraries/.test(stderr)
          )
            continue
          if (status === 0) wrong.push(`${what}: another box: ${stdout}${stderr}`)
          else if (!/^nsbox: [^\n]+\n(hint: [^\n]*\n)?$/.test(stderr))
            wrong.push(`${what}: says ${JSON.stringify(stderr)}`)
          else if (stderr.startsWith('nsbox: ') && ![125, 126, 127].includes(status ?? 0))
            wrong.push(`${what}: ${stderr}`)
          else if (
            stderr.startsWith('nsbox: ') &&
            treeOf(root).join('\n') !== before.join('\n') &&
            !['unlinkat', 'umount2', 'fchdir'].includes(call)
          )
            wrong.push(`${what}: left ${treeOf(root).filter((line) => !before.includes(line))} ${stderr}`)
          reset()
        }
      }
      assert.equal(wrong, [])
      assert.ok(tried > 100 && failed > 50, `${tried} tried, ${failed} failed`)
    }),
  )
}

test(
  'where pivot_root is refused, as on an initramfs, the root is moved over the old one, and chroot gets nobody out',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    copyFileSync(join(BIN, 'chroot_escape'), join(root, 'chroot_escape'))
    writeFileSync(join(dir, 'marker'), '')
    const capabilities = process.getuid?.() === 0 ? ['--cap-add', 'all'] : ['--map-root', '--cap-add', 'all']
    writeFileSync(
      join(dir, 'plan.json'),
      JSON.stringify(
        planOf(['--root', root, ...capabilities, '--tmpfs', '/tmp', '/chroot_escape', join(dir, 'marker')]),
      ),
    )
    const { status, stdout, stderr } = execute('strace', [
      '--seccomp-bpf',
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      'trace=pivot_root',
      '-e',
      'inject=pivot_root:error=EINVAL',
      SIDECAR,
      '--plan',
      join(dir, 'plan.json'),
    ])
    assert.is(status, 0, stderr)
    assert.match(stderr, /^nsbox: switch root: warning: pivot_root is refused here/)
    assert.match(stdout, 'twice: chroot refused')
    assert.equal(
      stdout
        .trim()
        .split('\n')
        .filter((line) => line.endsWith('outside')),
      [],
    )
  }),
)

test.run()
