/**
 * nsbox in containers of other engines, where most of CI runs: in each, a default box and a box with --nest start or
 * fail as doctor says. Engines that are not installed are skipped with a reason.
 */
// seconds: 300
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, BIN, execute, inTemp, NSBOX, type Ran } from '../helpers/nsbox.ts'

const DEBIAN = resolve(import.meta.dir, '../../dist/debian-root')
const DIST = dirname(NSBOX)
const has = (program: string): boolean => execute('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0

type Container = {
  name: string
  /** Runs SCRIPT by sh in it. The host's directory DIST is /n there, and DIR is a temporary directory of the host. */
  run: (script: string, dir: string) => Ran
  /** A box without options starts, or fails with this hint. */
  plain: 'starts' | RegExp
  nest: 'starts' | RegExp
}

const NEEDS_NEST = /hint: root has no cap_sys_admin here, as in most containers: --nest/
const MASKED = /hint: parts of this \/proc are covered, .*--nest/
const FILTERED = /hint: the seccomp filter here refuses user namespaces/
const BOXED = /hint: the outer box's filter refuses namespaces: start that box with --allow-userns/

// ---- Podman, with Debian's crun ----

/**
 * In namespaces of its own: /run is empty, cgroups are version 2 only, since crun takes no mixed hierarchy, and
 * Podman's clean-up processes end with them.
 */
const PREPARE =
  'mount -t tmpfs tmpfs /run && { umount -l /sys/fs/cgroup; mount -t cgroup2 cgroup2 /sys/fs/cgroup; } && exec "$@"'

function podman(options: readonly string[]): Container['run'] {
  return (script, dir) =>
    execute(
      'unshare',
      [
        '--mount',
        '--propagation',
        'private',
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        'sh',
        '-c',
        PREPARE,
        'sh',
        'podman',
        '--root',
        `${dir}/storage`,
        '--runroot',
        `${dir}/run`,
        '--tmpdir',
        `${dir}/tmp`,
        '--cgroup-manager',
        'cgroupfs',
        'run',
        '--rm',
        '--cgroups=disabled',
        '--network=host',
        '--ulimit',
        'nofile=1024:1024',
        '--ulimit',
        'nproc=4096:4096',
        ...options,
        '-v',
        `${DIST}:/n:ro`,
        '-w',
        '/',
        '--rootfs',
        `${DEBIAN}:O`,
        'sh',
        '-c',
        script,
      ],
      { timeout: 120000 },
    )
}

const PROFILE = '/usr/share/containers/seccomp.json'

type Profile = { syscalls: { names: string[]; action: string; errnoRet?: number; includes?: { caps?: string[] } }[] }

/**
 * The calls that moby's profile allows only with cap_sys_admin, and podman's allows to everybody. Moby's never allows
 * pivot_root.
 */
const OF_ADMIN = [
  'clone',
  'clone3',
  'fsconfig',
  'fsmount',
  'fsopen',
  'fspick',
  'mount',
  'mount_setattr',
  'move_mount',
  'open_tree',
  'setns',
  'umount',
  'umount2',
  'unshare',
]
const NEW_NAMESPACES = 0x7e020000

/** Podman's profile with those differences of moby's that matter to a launcher. Unknown calls fail with `number`. */
function likeMoby(dir: string, number = 1): string {
  const profile = JSON.parse(readFileSync(PROFILE, 'utf8')) as Profile & {
    defaultErrnoRet?: number
    defaultErrno?: string
  }
  const others = profile.syscalls
    .map((rule) => ({ ...rule, names: rule.names.filter((name) => !OF_ADMIN.includes(name) && name !== 'pivot_root') }))
    .filter(({ names }) => names.length > 0)
  const added = [
    { names: OF_ADMIN, action: 'SCMP_ACT_ALLOW', args: [], includes: { caps: ['CAP_SYS_ADMIN'] } },
    {
      names: ['clone'],
      action: 'SCMP_ACT_ALLOW',
      args: [{ index: 0, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },
    { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, args: [], excludes: { caps: ['CAP_SYS_ADMIN'] } },
  ]
  const { defaultErrno: _, ...rest } = profile
  const path = join(dir, 'moby.json')
  writeFileSync(path, JSON.stringify({ ...rest, defaultErrnoRet: number, syscalls: [...others, ...added] }))
  return path
}

const moby =
  (options: readonly string[], number?: number): Container['run'] =>
  (script, dir) =>
    podman(['--security-opt', `seccomp=${likeMoby(dir, number)}`, ...options])(script, dir)

const PODMAN: Container[] = [
  { name: 'podman', run: podman([]), plain: NEEDS_NEST, nest: 'starts' },
  { name: 'podman --user 1000', run: podman(['--user', '1000']), plain: MASKED, nest: 'starts' },
  {
    name: 'podman --security-opt unmask=ALL',
    run: podman(['--security-opt', 'unmask=ALL']),
    plain: NEEDS_NEST,
    nest: 'starts',
  },
  {
    name: 'podman --user 1000 --security-opt unmask=ALL',
    run: podman(['--user', '1000', '--security-opt', 'unmask=ALL']),
    plain: 'starts',
    nest: 'starts',
  },
  {
    name: 'podman --security-opt seccomp=unconfined',
    run: podman(['--security-opt', 'seccomp=unconfined']),
    plain: NEEDS_NEST,
    nest: 'starts',
  },
  { name: 'podman --cap-add SYS_ADMIN', run: podman(['--cap-add', 'SYS_ADMIN']), plain: 'starts', nest: 'starts' },
  { name: 'podman --privileged', run: podman(['--privileged']), plain: 'starts', nest: 'starts' },
  {
    name: 'podman --read-only --security-opt no-new-privileges',
    run: podman(['--read-only', '--security-opt', 'no-new-privileges']),
    plain: NEEDS_NEST,
    nest: 'starts',
  },
  {
    name: 'podman --cap-drop all',
    run: podman(['--cap-drop', 'all']),
    plain: NEEDS_NEST,
    nest: /hint: mapping user 0 takes cap_setfcap, .*as another user/,
  },
  {
    name: 'podman --cap-drop all --user 1000',
    run: podman(['--cap-drop', 'all', '--user', '1000']),
    plain: MASKED,
    nest: 'starts',
  },
  { name: "moby's filter", run: moby([]), plain: NEEDS_NEST, nest: FILTERED },
  { name: "moby's filter, an ordinary user", run: moby(['--user', '1000']), plain: FILTERED, nest: FILTERED },
  { name: "moby's filter with SYS_ADMIN", run: moby(['--cap-add', 'SYS_ADMIN']), plain: 'starts', nest: 'starts' },
  {
    name: "moby's filter with SYS_ADMIN, EINVAL for what it does not know",
    run: moby(['--cap-add', 'SYS_ADMIN'], 22),
    plain: 'starts',
    nest: 'starts',
  },
  {
    name: "moby's filter with SYS_ADMIN, ENOSYS for what it does not know",
    run: moby(['--cap-add', 'SYS_ADMIN'], 38),
    plain: 'starts',
    nest: 'starts',
  },
]

// ---- others ----

const here =
  (program: string, ...args: string[]): Container['run'] =>
  (script) =>
    execute(program, [...args, 'sh', '-c', script])

const OTHERS: Container[] = [
  {
    name: 'bwrap',
    run: here('bwrap', '--dev-bind', '/', '/', '--unshare-pid', '--proc', '/proc'),
    plain: 'starts',
    nest: 'starts',
  },
  {
    name: 'bwrap --unshare-user',
    run: here('bwrap', '--dev-bind', '/', '/', '--unshare-user', '--unshare-pid', '--proc', '/proc'),
    plain: 'starts',
    nest: 'starts',
  },
  {
    name: 'bwrap --unshare-all --ro-bind',
    run: here('bwrap', '--ro-bind', '/', '/', '--dev', '/dev', '--unshare-all', '--proc', '/proc'),
    plain: 'starts',
    nest: 'starts',
  },
  { name: 'unshare -Ur', run: here('unshare', '-Ur'), plain: 'starts', nest: 'starts' },
  {
    name: 'unshare -Urpf --mount-proc',
    run: here('unshare', '-Urpf', '--mount-proc'),
    plain: 'starts',
    nest: 'starts',
  },
  {
    name: 'firejail',
    run: here('firejail', '--quiet', '--noprofile'),
    plain: asRoot ? 'starts' : MASKED,
    nest: 'starts',
  },
  { name: 'nsbox', run: here(NSBOX), plain: BOXED, nest: BOXED },
  { name: 'nsbox --allow-userns', run: here(NSBOX, '--allow-userns'), plain: asRoot ? BOXED : MASKED, nest: 'starts' },
  { name: 'nsbox --privileged', run: here(NSBOX, '--quiet', '--privileged'), plain: 'starts', nest: 'starts' },
  {
    name: 'nsbox --map-root --cap-add sys_admin',
    run: here(NSBOX, '--quiet', '--map-root', '--cap-add', 'sys_admin'),
    plain: 'starts',
    nest: 'starts',
  },
]

/** Only two files of it: DIST has the Debian root in it, and would show the container in itself. */
const NSPAWN: Container = {
  name: 'systemd-nspawn',
  plain: 'starts',
  nest: 'starts',
  run: (script, dir) =>
    execute(
      'unshare',
      [
        '--mount',
        '--propagation',
        'private',
        'systemd-nspawn',
        '--quiet',
        '--register=no',
        '--keep-unit',
        '--volatile=overlay',
        '-D',
        DEBIAN,
        `--bind-ro=${NSBOX}:/n/nsbox`,
        `--bind-ro=${join(BIN, 'attack')}:/n/test/attack`,
        '--pipe',
        'sh',
        '-c',
        script,
      ],
      { cwd: dir },
    ),
}

// ---- what is looked at in each ----

/** Prints each box's status on a line, and its messages; then doctor's verdict. */
const SCRIPT = (nsbox: string, attack: string): string => `
for flags in "" --nest; do
  said=$(${nsbox} $flags sh -c 'test $$ = 2 && exit 7' 2>&1); status=$?
  echo "box '$flags' $status"; echo "$said"
done
echo attack; ${nsbox} --quiet --nest ${attack}
echo doctor; ${nsbox} doctor --json`

type Seen = {
  attack: string[]
  plain: { status: number; said: string }
  nest: { status: number; said: string }
  doctor: { default: { starts: boolean }; nest?: { starts: boolean } }
}

function read(stdout: string): Seen | undefined {
  const match = /box '' (\d+)\n([^]*)box '--nest' (\d+)\n([^]*)attack\n([^]*)doctor\n(\{[^]*\})\s*$/.exec(stdout)
  if (match === null) return undefined
  const [, plain, said = '', nest, nestSaid = '', attack = '', json = ''] = match
  return {
    attack: attack.trim().split('\n'),
    plain: { status: Number(plain), said },
    nest: { status: Number(nest), said: nestSaid },
    doctor: (JSON.parse(json) as { boxes: Seen['doctor'] }).boxes,
  }
}

function check({ name, run, plain, nest }: Container, nsbox: string, attack: string, dir: string): void {
  const ran = run(SCRIPT(nsbox, attack), dir)
  const seen = read(ran.stdout)
  if (seen === undefined) throw new Error(`${name}: ${ran.status} ${ran.stdout}${ran.stderr}`)
  const expect = (what: string, { status, said }: Seen['plain'], expected: Container['plain']) => {
    if (expected === 'starts') assert.is(status, 7, `${what}: ${said}`)
    else assert.match(said, expected, `${what}: ${said}`)
  }
  expect('a box without options', seen.plain, plain)
  expect('--nest', seen.nest, nest)
  assert.match(seen.nest.said, /^nsbox: warning: --nest: /)
  if (nest === 'starts') {
    assert.ok(seen.attack.filter((line) => line.endsWith(' closed')).length >= 60, seen.attack.join())
    assert.equal(
      seen.attack.filter((line) => line.endsWith(' open')),
      [],
    )
  }
  assert.is(seen.doctor.default.starts, plain === 'starts', 'the doctor')
  if (plain !== 'starts') assert.is(seen.doctor.nest?.starts, nest === 'starts', 'the doctor of --nest')
}

const skipped = (name: string, why: string) => test.skip(`${name} (${why})`, () => undefined)

for (const container of OTHERS) {
  const { name } = container
  const program = name.split(' ')[0] ?? ''
  if (program !== 'nsbox' && !has(program)) {
    skipped(name, 'not installed')
    continue
  }
  test(
    `in ${name}, doctor says what happens`,
    inTemp((dir) => check(container, NSBOX, join(BIN, 'attack'), dir)),
  )
}

/** These need root: as a user they take newuidmap, and ranges of ids for that user. */
const forRoot = (container: Container, program: string): void => {
  const { name } = container
  if (!asRoot) return skipped(name, 'needs root')
  if (!has(program)) return skipped(name, `no ${program}`)
  if (!existsSync(DEBIAN)) return skipped(name, 'no Debian root')
  test(
    `in ${name}, a box starts or not as doctor says`,
    inTemp((dir) => {
      for (const part of ['storage', 'run', 'tmp']) mkdirSync(join(dir, part))
      check(container, '/n/nsbox', '/n/test/attack', dir)
    }),
  )
}

for (const container of PODMAN) forRoot(container, 'podman')
forRoot(NSPAWN, 'systemd-nspawn')

test.run()
