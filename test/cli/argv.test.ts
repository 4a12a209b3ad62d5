import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { walk } from '../../src/cli/argv.ts'
import { verbOf } from '../../src/cli/verb.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { OPTIONS } from '../../src/options/rows.ts'
import { splitColon } from '../../src/options/values.ts'
import { parse } from '../helpers/command.ts'
import { UsageError } from '../../src/errors.ts'
import type { MountRequest, Options } from '../../src/options/types.ts'

type Row = [argv: string[], expected: unknown]

const run = (options: Options, ...argv: string[]) => ({ verb: 'run', options, argv })
const mounts = (...list: MountRequest[]) => run({ mounts: list }, 'x')

const HOME = process.env.HOME ?? ''
const PROFILE = new URL('../fixtures/profile.json', import.meta.url).pathname
const SETTINGS = new URL('../fixtures/srt-settings.json', import.meta.url).pathname

const accepted: Row[] = [
  // The end of our own words.
  [['ls'], run({}, 'ls')],
  [['ls', '-la', '--help', '--root', '/'], run({}, 'ls', '-la', '--help', '--root', '/')],
  [['--', '--dev-bind', 'x'], run({}, '--dev-bind', 'x')],
  [['--', '--', 'x'], run({}, '--', 'x')],
  [['--ro', '--', '--ro'], run({ ro: true }, '--ro')],
  [['x', '--', 'y'], run({}, 'x', '--', 'y')],
  [['-'], run({}, '-')],
  [['x', ''], run({}, 'x', '')],
  [['a b;c', '$(d)'], run({}, 'a b;c', '$(d)')],
  // Verbs.
  [['run', 'ls'], run({}, 'ls')],
  [['run', 'run'], run({}, 'run')],
  [['--', 'plan'], run({}, 'plan')],
  [['--ro', 'plan', 'x'], run({ ro: true }, 'plan', 'x')],
  [['run', 'bake'], run({}, 'bake')],
  [['--', 'enter', '1'], run({}, 'enter', '1')],
  [['plan', '--ro', 'ls'], { verb: 'plan', options: { ro: true }, argv: ['ls'] }],
  [['explain', '--', 'ls'], { verb: 'explain', options: {}, argv: ['ls'] }],
  [['rootfs', 'build', './r', 'bash'], { verb: 'rootfs', args: ['build', './r', 'bash'], how: {} }],
  [
    ['rootfs', '--by=hardlink', 'build', './r', '--with', 'nss,locale', 'bash', '--quiet', '--with=terminfo'],
    {
      verb: 'rootfs',
      args: ['build', './r', 'bash'],
      how: { by: 'hardlink', with: ['nss', 'locale', 'terminfo'], quiet: true },
    },
  ],
  [['rootfs', 'build', '--', './r', '--bash'], { verb: 'rootfs', args: ['build', './r', '--bash'], how: {} }],
  [['rootfs', 'build', './r', '--help'], { verb: 'help', topic: 'rootfs' }],
  [['doctor'], { verb: 'doctor', json: false, forget: false }],
  [['doctor', '--json'], { verb: 'doctor', json: true, forget: false }],
  [['doctor', '--forget'], { verb: 'doctor', json: false, forget: true }],
  [['help'], { verb: 'help' }],
  [['help', 'run'], { verb: 'help', topic: 'run' }],
  [['--help'], { verb: 'help' }],
  [['run', '--help'], { verb: 'help', topic: 'run' }],
  [['--ro', '--help', '--nonsense'], { verb: 'help' }],
  [['rootfs', '--help'], { verb: 'help', topic: 'rootfs' }],
  [['--version'], { verb: 'version' }],
  // Letters.
  [['-h'], { verb: 'help' }],
  [['--ro', '-h', '--nonsense'], { verb: 'help' }],
  [['enter', '-h'], { verb: 'help', topic: 'enter' }],
  [['help', '-h'], { verb: 'help', topic: 'help' }],
  [['-V'], { verb: 'version' }],
  [['ls', '-h', '-V'], run({}, 'ls', '-h', '-V')],
  [
    ['-r', 'd', '-b', '/a:/b', '-w', '/', '-u=5', '-q', '--', '-h'],
    run(
      { root: 'd', mounts: [{ type: 'bind', source: '/a', target: '/b' }], cwd: '/', user: { user: 5 }, quiet: true },
      '-h',
    ),
  ],
  [
    ['-e', 'A=1', '-e=B=2', 'x', '-e'],
    run(
      {
        env: [
          { type: 'set', name: 'A', value: '1' },
          { type: 'set', name: 'B', value: '2' },
        ],
      },
      'x',
      '-e',
    ),
  ],
  // Stored plans.
  [['run', '--plan', 'p.json'], { ...run({}), planFile: 'p.json' }],
  [['run', '--plan', '-', '--', 'a', '-b'], { ...run({}, 'a', '-b'), planFile: '-' }],
  [
    ['bake', '-o', 'f', '--ro', 'x', '-o', 'y'],
    { verb: 'bake', options: { ro: true }, argv: ['x', '-o', 'y'], file: 'f', how: {} },
  ],
  [
    ['bake', '--output=f', '--force', '--relative', '--', 'x'],
    { verb: 'bake', options: {}, argv: ['x'], file: 'f', how: { force: true, relative: true } },
  ],
  [['--plan=p', '--verbose', '--status-fd', '3'], { ...run({ verbose: true, statusFd: 3 }), planFile: 'p' }],
  [['--trace-denied', '-q', 'x'], run({ traceDenied: true, quiet: true }, 'x')],
  // Values as typed.
  [['--hostname', '007', 'x'], run({ hostname: '007' }, 'x')],
  [['--hostname=1e3', 'x'], run({ hostname: '1e3' }, 'x')],
  [['--hostname', 'true', 'x'], run({ hostname: 'true' }, 'x')],
  [['--hostname=a=b', 'x'], run({ hostname: 'a=b' }, 'x')],
  [['--argv0', '-bash', 'x'], run({ argv0: '-bash' }, 'x')],
  [['--argv0=--ro', 'x'], run({ argv0: '--ro' }, 'x')],
  [['--root', ' ', 'x'], run({ root: ' ' }, 'x')],
  [['--root', 'a', '--root=b', 'x'], run({ root: 'b' }, 'x')],
  // Root.
  [['--overlay', '/bin/ls'], run({ overlay: true }, '/bin/ls')],
  [['--overlay=./up', 'x'], run({ overlay: './up' }, 'x')],
  // Images have a command of their own.
  [['--image', 'h.example/n:1'], run({ image: 'h.example/n:1' })],
  [
    ['--image', './a.tar', '--platform', 'linux/arm64', '--entrypoint', 'sh', '--', '-c', 'id'],
    run({ image: './a.tar', platform: 'linux/arm64', entrypoint: 'sh' }, '-c', 'id'),
  ],
  [
    ['--image', 'h.example/n', '--pull', 'always', '--insecure', 'id'],
    run({ image: 'h.example/n', pull: 'always', insecure: true }, 'id'),
  ],
  [['--image', 'x', '--host-files=localtime', 'id'], run({ image: 'x', hostFiles: 'localtime' }, 'id')],
  [['--changes', 'review', 'id'], run({ changes: 'review' }, 'id')],
  [['--image', './a.img', '--trust-image', 'id'], run({ image: './a.img', trustImage: true }, 'id')],
  [['--root', 'r', '--host-files', 'id'], run({ root: 'r', hostFiles: true }, 'id')],
  [['--image', 'x', '--no-host-files', 'id'], run({ image: 'x', hostFiles: false }, 'id')],
  // Mounts.
  [['--bind', '/a', 'x'], mounts({ type: 'bind', source: '/a' })],
  [['--bind', 'a:/b', 'x'], mounts({ type: 'bind', source: 'a', target: '/b' })],
  [['--bind', 'a:/b:/c', 'x'], mounts({ type: 'bind', source: 'a', target: '/b:/c' })],
  [['--bind', 'a\\:b:/c\\:d', 'x'], mounts({ type: 'bind', source: 'a:b', target: '/c:d' })],
  [['--bind', 'a:/b\\:ro', 'x'], mounts({ type: 'bind', source: 'a', target: '/b:ro' })],
  [['--bind', 'a\\b:/c', 'x'], mounts({ type: 'bind', source: 'a\\b', target: '/c' })],
  [['--ro-bind', '/a:/../b', 'x'], mounts({ type: 'bind', source: '/a', target: '/../b', readonly: true })],
  [['--dev-bind=/dev', 'x'], mounts({ type: 'bind', source: '/dev', devices: true })],
  [
    ['--bind-try', 'a:/b', '--ro-bind-try=/c', 'x'],
    mounts(
      { type: 'bind', source: 'a', target: '/b', optional: true },
      { type: 'bind', source: '/c', readonly: true, optional: true },
    ),
  ],
  [['--tmpfs', '/t', 'x'], mounts({ type: 'tmpfs', target: '/t' })],
  [['--tmpfs', '/t:size=64m,mode=1777', 'x'], mounts({ type: 'tmpfs', target: '/t', size: 67108864, mode: '1777' })],
  [['--tmpfs=/t\\:u:mode=700', 'x'], mounts({ type: 'tmpfs', target: '/t:u', mode: '700' })],
  [['--tmpfs', '/t:size=4096', 'x'], mounts({ type: 'tmpfs', target: '/t', size: 4096 })],
  [['--proc', '/bin/ls'], run({ mounts: [{ type: 'proc', target: '/proc' }] }, '/bin/ls')],
  [['--proc=/p', 'x'], mounts({ type: 'proc', target: '/p' })],
  [['--proc=/proc', '/proc'], run({ mounts: [{ type: 'proc', target: '/proc' }] }, '/proc')],
  [['--dev', 'x'], mounts({ type: 'dev', target: '/dev' })],
  [['--dir', '/d:0700', 'x'], mounts({ type: 'dir', target: '/d', mode: '0700' })],
  [['--mask', '/m', 'x'], mounts({ type: 'mask', target: '/m' })],
  [['--symlink', '../b:/s', 'x'], mounts({ type: 'symlink', target: '/s', to: '../b' })],
  [['--file', 'f:/etc/f', 'x'], mounts({ type: 'file', source: 'f', target: '/etc/f' })],
  [['--no-follow', 'x'], run({ noFollow: true }, 'x')],
  [
    ['--hide', '.env', '--write', '.', '--keep=a', '--keep', '/b', '--write-try=c', '--keep-try', 'd', 'x'],
    run({ hide: ['.env'], write: ['.'], keep: ['a', '/b'], writeTry: ['c'], keepTry: ['d'] }, 'x'),
  ],
  [['--allow-socket', '/s', '--allow-socket', 'd', 'x'], run({ sockets: ['/s', 'd'] }, 'x')],
  [['--mask', '*.key', 'x'], mounts({ type: 'mask', target: '*.key' })],
  [
    ['--tmpfs', '/a', '--bind=b:/a/b', '--dir', '/c', '--tmpfs', '/a/d', 'x'],
    mounts(
      { type: 'tmpfs', target: '/a' },
      { type: 'bind', source: 'b', target: '/a/b' },
      { type: 'dir', target: '/c' },
      { type: 'tmpfs', target: '/a/d' },
    ),
  ],
  // Namespaces and identity.
  [['--share', 'pid,ipc', '--share=uts,pid', 'x'], run({ share: ['pid', 'ipc', 'uts'] }, 'x')],
  [['--net', 'none', 'x'], run({ net: 'none' }, 'x')],
  [['--net', 'user', 'x'], run({ net: 'user' }, 'x')],
  [['-p', '1:2', '--net=user', 'x'], run({ net: 'user', publish: ['127.0.0.1:1:2'] }, 'x')],
  [['--allow-host', 'A.example', 'x'], run({ net: 'none', allowHosts: ['a.example:443'] }, 'x')],
  [
    ['--allow-host=a.example:80', '--allow-private', '--check-sni', 'x'],
    run({ net: 'none', allowHosts: ['a.example:80'], allowPrivate: true, checkSni: true }, 'x'),
  ],
  [['-p', '1:2', '--publish=0.0.0.0:3:4', 'x'], run({ net: 'none', publish: ['127.0.0.1:1:2', '0.0.0.0:3:4'] }, 'x')],
  [['--user', '0', 'x'], run({ user: { user: 0 } }, 'x')],
  [['--user', '1000:4294967294', 'x'], run({ user: { user: 1000, group: 4294967294 } }, 'x')],
  [['--user', 'www-data', 'x'], run({ user: { user: 'www-data' } }, 'x')],
  [['--user', '_apt:Ädm.x', 'x'], run({ user: { user: '_apt', group: 'Ädm.x' } }, 'x')],
  [['--user', 'bob:7', 'x'], run({ user: { user: 'bob', group: 7 } }, 'x')],
  [['--map-root', '--fake-root', 'x'], run({ mapRoot: true, fakeRoot: true }, 'x')],
  [['--image', 'x', '--no-fake-root', 'id'], run({ image: 'x', fakeRoot: false }, 'id')],
  [['--root', 'r'], run({ root: 'r' })],
  [['--map-root', '--map-auto', '--userns', 'x'], run({ mapRoot: true, mapAuto: true, userns: true }, 'x')],
  [['--nest', '--allow-userns', 'x'], run({ nest: true, allowUserns: true }, 'x')],
  [['--name', 'web-1.2', 'x'], run({ name: 'web-1.2' }, 'x')],
  [['--profile', PROFILE, '--net=none', 'x'], run({ ro: true, net: 'none' }, 'x')],
  [['--srt-settings', SETTINGS, 'x'], run({ net: 'none', allowHosts: ['a.org:22'], sockets: [] }, 'x')],
  // Process.
  [
    ['--env', 'A=1', '--env-file', 'f', '--env=B', '--env', 'C=', '--clear-env', 'x'],
    run(
      {
        env: [
          { type: 'set', name: 'A', value: '1' },
          { type: 'file', path: 'f' },
          { type: 'pass', name: 'B' },
          { type: 'set', name: 'C', value: '' },
        ],
        clearEnv: true,
      },
      'x',
    ),
  ],
  [
    ['--env', 'A=1', '--unset-env', 'A', '--unset-env=B C', 'x'],
    run(
      {
        env: [
          { type: 'set', name: 'A', value: '1' },
          { type: 'unset', name: 'A' },
          { type: 'unset', name: 'B C' },
        ],
      },
      'x',
    ),
  ],
  [['--keep-fd', '3,63', '--keep-fd=3', '--keep-fd', '1048576', 'x'], run({ keepFds: [3, 63, 1048576] }, 'x')],
  [
    ['--cap-drop', 'kill,CAP_CHOWN', '--cap-add=all', 'x'],
    run(
      {
        capabilities: [
          { type: 'drop', name: 'kill' },
          { type: 'drop', name: 'chown' },
          { type: 'add', name: 'all' },
        ],
      },
      'x',
    ),
  ],
  // The home, where a shell leaves it to us.
  [['--root=~/r', 'x'], run({ root: `${HOME}/r` }, 'x')],
  [['--root', '~', 'x'], run({ root: HOME }, 'x')],
  [['--bind=~/a:/b', 'x'], mounts({ type: 'bind', source: `${HOME}/a`, target: '/b' })],
  [
    ['--cwd=~/a', '--seccomp=~/p', '--overlay=~/o', 'x'],
    run({ cwd: `${HOME}/a`, seccomp: `${HOME}/p`, overlay: `${HOME}/o` }, 'x'),
  ],
  [
    ['--image=~/a.iso', '--tmpfs=~/t', 'x'],
    run({ image: `${HOME}/a.iso`, mounts: [{ type: 'tmpfs', target: `${HOME}/t` }] }, 'x'),
  ],
  [
    ['--root=./~/r', '--hostname=~/h', '--env', 'A=~/b', '--argv0=~/c', 'x', '~/d'],
    run({ root: './~/r', hostname: '~/h', env: [{ type: 'set', name: 'A', value: '~/b' }], argv0: '~/c' }, 'x', '~/d'),
  ],
  [
    ['--root=~other/r', '--symlink=~/a:/b', 'x'],
    run({ root: '~other/r', mounts: [{ type: 'symlink', to: '~/a', target: '/b' }] }, 'x'),
  ],
  [['run', '--plan=~/p.json'], { ...run({}), planFile: `${HOME}/p.json` }],
  [['bake', '-o=~/f', 'x'], { verb: 'bake', options: {}, argv: ['x'], file: `${HOME}/f`, how: {} }],
  [['--env=A==b=', 'x'], run({ env: [{ type: 'set', name: 'A', value: '=b=' }] }, 'x')],
  [['--timeout', '10', 'x'], run({ timeout: 10000 }, 'x')],
  [['--timeout=1.5m', 'x'], run({ timeout: 90000 }, 'x')],
  [
    ['--ulimit', 'nofile=1k:2k', '--ulimit', 'core=unlimited', 'x'],
    run(
      {
        ulimits: [
          { resource: 'nofile', soft: 1024, hard: 2048 },
          { resource: 'core', soft: -1 },
        ],
      },
      'x',
    ),
  ],
  [
    ['--memory', '512m', '--cpus', '1.5', '--pids', '100', 'x'],
    run({ memory: 512 * 2 ** 20, cpus: 1.5, pids: 100 }, 'x'),
  ],
  [['--memory=1G', '--cpus=0.001', '--pids=1', 'x'], run({ memory: 2 ** 30, cpus: 0.001, pids: 1 }, 'x')],
  [
    ['--memory=1048576', '--cpus=8192', '--pids=4194303', 'x'],
    run({ memory: 1048576, cpus: 8192, pids: 4194303 }, 'x'),
  ],
  [['--seccomp', 'none', '--privileged', 'x'], run({ seccomp: 'none', privileged: true }, 'x')],
  [['--seccomp=./p.json', 'x'], run({ seccomp: './p.json' }, 'x')],
  [
    ['--cap-add', 'NET_ADMIN', '--cap-drop', 'all', '--cap-add', 'cap_kill', '--allow-new-privs', 'x'],
    run(
      {
        capabilities: [
          { type: 'add', name: 'net_admin' },
          { type: 'drop', name: 'all' },
          { type: 'add', name: 'kill' },
        ],
        allowNewPrivs: true,
      },
      'x',
    ),
  ],
  [
    ['--cwd', '/a/..', '--new-session', '--die-with-parent', '--no-init', '--quiet', 'x'],
    run({ cwd: '/a/..', newSession: true, dieWithParent: true, init: false, quiet: true }, 'x'),
  ],
]

/** The expected message, or the message and a part of the hint. */
const refused: [string[], string, string?][] = [
  [[], 'no command', 'nsbox COMMAND'],
  [['run'], 'run: no command', '--'],
  [['--ro'], 'run: no command'],
  [['--'], 'run: no command'],
  [['plan', '--ro'], 'plan: no command', 'nsbox plan'],
  [[''], "command: empty value ''"],
  [['bake', 'x'], 'bake: no file to write', 'nsbox bake -o FILE'],
  [['bake', '-o', 'f'], 'bake: no command', 'nsbox bake -o FILE'],
  [['bake', '-o'], '--output: the value is missing', '-o, --output FILE'],
  [['--force', 'x'], '--force: only nsbox bake takes it', 'nsbox help bake'],
  [['-o', 'f', 'x'], '-o: an option of nsbox bake, rootfs', 'nsbox help run'],
  [['--keep-fd', '2', 'x'], '--keep-fd: every command has descriptor 2'],
  [['--keep-fd', '3,', 'x'], "--keep-fd: '' must be a whole number from 0 to 1048576"],
  [['--keep-fd', '0x3', 'x'], "--keep-fd: '0x3' must be a whole number from 0 to 1048576"],
  [
    ['--keep-fd', '3', '--status-fd', '3', 'x'],
    '--keep-fd and --status-fd: the command could write into the events on descriptor 3',
  ],
  [['--unset-env', 'A=1', 'x'], "--unset-env: 'A=1' must be the name of a variable", '--env NAME=VALUE'],
  [['--cap-drop', 'kill,', 'x'], "--cap-drop: no capability ''"],
  [['--bind=/a:~/b', 'x'], "--bind: '~/b' must be an absolute path", '"$HOME/b"'],
  [['--timeout', '0', 'x'], "--timeout: '0' must be a time above zero, such as 10s"],
  [['--timeout', '1w', 'x'], "--timeout: '1w' must be a time above zero, such as 10s"],
  [
    ['--timeout', '1', '--share', 'pid', 'x'],
    '--timeout and --share pid: only a pid namespace of its own ends with all that is in it',
  ],
  [['--ulimit', 'nofile', 'x'], "--ulimit: 'nofile' must be NAME=SOFT or NAME=SOFT:HARD"],
  [['--ulimit', 'nofle=1', 'x'], "--ulimit: no limit 'nofle'", 'nofile'],
  [['--ulimit', 'nofile=2:1', 'x'], "--ulimit: 'nofile=2:1': the soft limit is above the hard one"],
  [['--ulimit', 'nofile=x', 'x'], "--ulimit: 'x' must be a number, one with k, m, g or t, or unlimited"],
  ...['0', '-1', '1.5g', '512mb', '1e9', '0x10', ' 1g', '9007199254740992', '9999999t'].map(
    (bad): [string[], string] => [
      [`--memory=${bad}`, 'x'],
      `--memory: size '${bad}' must be a number of bytes, or one with k, m, g or t`,
    ],
  ),
  [['--memory=512', 'x'], "--memory: size '512' is less than a box needs to start", 'such as 512m'],
  ...['0', '-1', '1.5.5', '.5', '1.', '1e3', '0.0009', '8193', '99999999', 'NaN', ' 1'].map(
    (bad): [string[], string] => [
      [`--cpus=${bad}`, 'x'],
      `--cpus: '${bad}' must be a number from 0.001 to 8192, such as 1.5`,
    ],
  ),
  ...['0', '-1', '1.5', '1k', '007', '4194304', '99999999999'].map((bad): [string[], string] => [
    [`--pids=${bad}`, 'x'],
    `--pids: '${bad}' must be a whole number from 1 to 4194303`,
  ]),
  ...['memory', 'cpus', 'pids'].map((name): [string[], string] => [[`--${name}=`, 'x'], `--${name}: empty value ''`]),
  [['enter'], 'enter: no box', 'nsbox enter NAME|PID'],
  [['enter', '1'], 'enter: no command', 'nsbox enter NAME|PID'],
  [['enter', '1', '--'], 'enter: no command'],
  [['enter', 'x y', 'sh'], "enter: 'x y' is neither a process number nor the name of a box"],
  [['enter', '1', '--name', 'x', 'sh'], '--name: the box is made already'],
  [['ps', 'x'], "ps: takes no argument, but has 'x'", 'nsbox ps'],
  [['ps', '--json', '-q'], '--json and --quiet: choose one'],
  [['--name', '12', 'x'], "--name: '12' can't be the name of a box", 'is no number'],
  [['enter', '01', 'sh'], "enter: '01' is neither a process number nor the name of a box"],
  [['enter', '1', '--root', '/', 'sh'], '--root: the box is made already', 'nsbox help enter'],
  [['enter', '--no-init', '1', 'sh'], '--no-init: the box is made already'],
  [['enter', '1', '--cwdd', '/', 'sh'], 'unknown option --cwdd', '--cwd'],
  [['help', 'pla'], "help: no verb 'pla'", 'plan'],
  [['help', 'run', 'plan'], "help: one verb at a time, not also 'plan'"],
  // Unknown ones.
  [['--rooot', 'r', 'x'], 'unknown option --rooot', '--root'],
  [['--ro-bnd=/a', 'x'], 'unknown option --ro-bnd', '--ro-bind'],
  [['-root', 'x'], 'unknown option -root', '--root'],
  [['-v'], 'unknown option -v', '-V'],
  [['-eA=1', 'x'], 'unknown option -eA', '-e A=1'],
  [['-e'], '--env: the value is missing', '-e, --env NAME[=VALUE]'],
  [['-r', '-q', 'x'], '--root: the value is missing', 'if -q is the value: --root=-q'],
  [['-q=1', 'x'], "--quiet: takes no value, but has '1'"],
  [['--xyzzyxyzzy', 'x'], 'unknown option --xyzzyxyzzy', 'nsbox help'],
  [['--a\nb', 'x'], 'unknown option --a\\x0ab'],
  [['---', 'x'], 'unknown option ---'],
  [['--no-such', 'x'], 'unknown option --no-such'],
  [['--mapRoot', 'x'], 'unknown option --mapRoot', '--map-root'],
  [['rootfs', 'build', 'r', '--wth=nss', 'x'], 'unknown option --wth', '--with'],
  [
    ['rootfs', 'build', 'r', '--root', 'x'],
    '--root: an option of boxes, and nsbox rootfs makes none',
    'nsbox help rootfs',
  ],
  [['rootfs', 'build', 'r', 'x', '--with'], '--with: the value is missing', '--with WHAT[,WHAT]'],
  [
    ['rootfs', 'build', 'r', 'x', '--with', 'nss,all'],
    "--with: 'all' must be one of nss, locale, terminfo, ca-certificates, tz, gconv, fonts, magic, python, perl, ruby, java, node, list",
  ],
  [['rootfs', 'build', 'r', 'x', '--by='], "--by: empty value ''"],
  [['--constructor', 'x'], 'unknown option --constructor'],
  // Values that are missing, empty, or too many.
  [['--root'], '--root: the value is missing', '--root DIR'],
  [['--root', '--', 'x'], '--root: the value is missing', '--root=--'],
  [['--root', '--ro', 'x'], '--root: the value is missing', '--root=--ro'],
  [['--root', '--bind=a', 'x'], '--root: the value is missing'],
  [['--net'], '--net: the value is missing', 'host|none|user'],
  [['--tmpfs', '', 'x'], "--tmpfs: empty value ''", '--tmpfs DIR'],
  [['--tmpfs=', 'x'], "--tmpfs: empty value ''"],
  [['--proc=', 'x'], "--proc: empty value ''"],
  [['--overlay=', 'x'], "--overlay: empty value ''"],
  [['--ro=yes', 'x'], "--ro: takes no value, but has 'yes'"],
  [['--help=x'], '--help: takes no value'],
  [['--ro=', 'x'], "--ro: takes no value, but has ''"],
  [['--proc', '/proc', 'x'], '--proc: /proc would be the command', '--proc=DIR'],
  // Paths.
  [['--tmpfs', 't', 'x'], "--tmpfs: 't' must be an absolute path"],
  [['--bind', '/a:b', 'x'], "--bind: 'b' must be an absolute path"],
  [['--cwd', '..', 'x'], "--cwd: '..' must be an absolute path"],
  [['--proc=p', 'x'], "--proc: 'p' must be an absolute path"],
  [['--file', 'a:b', 'x'], "--file: 'b' must be an absolute path"],
  [['--bind', ':/a', 'x'], "--bind: empty SRC ''"],
  [['--bind', '/a:', 'x'], "--bind: empty DST ''"],
  [['--symlink', '/a', 'x'], "--symlink: '/a' must be TARGET:PATH"],
  [['--bind', '/a:/b:ro', 'x'], "--bind: '/a:/b:ro' must be SRC:DST without a suffix", '--ro-bind'],
  [['--bind', '/a:ro', 'x'], "--bind: '/a:ro' must be SRC:DST without a suffix", '--ro-bind'],
  // Details of a value.
  [['--tmpfs', '/t:64m', 'x'], "--tmpfs: '64m' must be size=..., mode=... or ro"],
  [['--tmpfs', '/t:size=0', 'x'], "--tmpfs: size '0' must be a number of bytes, or one with k, m, g or t"],
  [
    ['--tmpfs', '/t:size=9999999999g', 'x'],
    "--tmpfs: size '9999999999g' must be a number of bytes, or one with k, m, g or t",
  ],
  [['--tmpfs', '/t:mode=9', 'x'], "--tmpfs: mode '9' must be three or four octal digits"],
  [['--tmpfs', '/t:size=1k,size=2k', 'x'], '--tmpfs: size is given twice'],
  [['--dir', '/d:', 'x'], "--dir: mode '' must be three or four octal digits"],
  [['--share', 'pid,', 'x'], "--share: '' must be one of pid, ipc, uts, cgroup, user, abstract"],
  [['--share', 'net', 'x'], "--share: 'net' must be one of pid, ipc, uts, cgroup, user, abstract", '--net host'],
  [['--net', 'bridge', 'x'], "--net: 'bridge' must be host, none or user", '--net user'],
  [
    ['--net', 'user', '--allow-host', 'a.org', 'x'],
    '--net user and --allow-host: by pasta the box reaches every host that this one does',
    'leave out --net user',
  ],
  [
    ['--net', 'user', '--share', 'abstract', 'x'],
    "--net user and --share abstract: abstract sockets belong to the network, and the box does not have the host's",
  ],
  [['--hostname', 'é'.repeat(33), 'x'], `--hostname: '${'é'.repeat(33)}' is longer than 64 bytes`],
  ...['007', '4294967295'].flatMap((id): [string[], string][] => [
    [['--user', `${id}:0`, 'x'], `--user: '${id}' must be a whole number from 0 to 4294967294`],
    [['--user', `a:${id}`, 'x'], `--user: '${id}' must be a whole number from 0 to 4294967294`],
  ]),
  // CVE-2026-30892: text that another reader takes for a number.
  ...['-1', '+1', '0x10', '1e3', ' 1', '1 ', '١', 'a b', 'a,b', '/a', '1a'].map((id): [string[], string] => [
    ['--user', `${id}:0`, 'x'],
    `--user: '${id}' must be a number from 0 to 4294967294, or a name`,
  ]),
  ...['1:2:3', ':0', '0:', ':', 'a:b:c'].map((user): [string[], string] => [
    ['--user', user, 'x'],
    `--user: '${user}' must be a user, or USER:GROUP, each a number or a name`,
  ]),
  [['--status-fd', '1048577', 'x'], "--status-fd: '1048577' must be a whole number from 0 to 1048576"],
  [['--env', '=x', 'x'], "--env: empty NAME ''"],
  // Contradictions.
  [['--root', 'r', '--image', 'i', 'x'], '--root and --image: both say what the root is'],
  [['--platform', 'linux/arm64', 'x'], '--platform: only an image is there for several', 'it goes with --image REF'],
  [['--pull', 'never', 'x'], '--pull: only an image is pulled', 'it goes with --image REF'],
  [['--image', 'i', '--pull', 'now', 'x'], "--pull: 'now' must be one of missing, always, never"],
  [['--insecure', 'x'], '--insecure: only an image is pulled', 'it goes with --image REF'],
  [['--entrypoint', 'sh', 'x'], '--entrypoint: only an image has one', 'it goes with --image REF'],
  [['--ro', '--overlay', 'x'], '--ro and --overlay: a read-only root has no changes to keep apart'],
  [['--fake-root', '--map-auto', 'x'], '--fake-root and --map-auto: with many ids changes of owners and ids are real'],
  [
    ['--fake-root', '--allow-new-privs', 'x'],
    '--fake-root and --allow-new-privs: a setuid program would keep powers that it believes to have dropped',
  ],
  ...[['--privileged'], ['--seccomp', 'none']].map((others): [string[], string] => [
    ['--fake-root', ...others, 'x'],
    `--fake-root and ${others.join(' ')}: the filter of system calls gives the answers, and the other option takes it away`,
  ]),
  [['--user', '0', '--map-root', 'x'], '--map-root and --user: both say who you are in the box; --map-root is user 0'],
  [['--userns', '--share', 'user', 'x'], "--userns and --share user: the user namespace is either new or the host's"],
  [['--share', 'user', '--map-root', 'x'], '--map-root and --share user: mapping ids needs a new user namespace'],
  [['--share', 'user', '--map-auto', 'x'], '--map-auto and --share user: mapping ids needs a new user namespace'],
  [
    ['--nest', '--share', 'user', 'x'],
    '--nest and --share user: in a container the user namespace is what allows the box to mount',
  ],
  [
    ['--allow-userns', '--privileged', 'x'],
    '--allow-userns and --privileged: it changes the default filter, which the other option takes away',
  ],
  [
    ['--seccomp', 'none', '--allow-userns', 'x'],
    '--allow-userns and --seccomp: it changes the default filter, which the other option takes away',
  ],
  [
    ['--net', 'none', '--share', 'abstract', 'x'],
    "--net none and --share abstract: abstract sockets belong to the network, and the box does not have the host's",
  ],
  [['--share', 'uts', '--hostname', 'a', 'x'], "--hostname and --share uts: the name would become the host's"],
  [['--share', 'pid', '--no-init', 'x'], '--no-init and --share pid: only a new pid namespace has a process 1'],
  [['--verbose', '--quiet', 'x'], '--verbose and --quiet: choose one'],
  [['plan', '--plan', 'p', 'x'], '--plan: an option of nsbox run, explain', 'nsbox help plan'],
  [['run', '--plan', 'p', '--ro'], '--plan and --ro: the plan already says what the box is'],
]

const test = suite('command line')

const shown = (argv: string[]) => `nsbox ${argv.map((word) => JSON.stringify(word)).join(' ')}`

for (const [argv, expected] of accepted) {
  test(shown(argv), () => {
    // test/e2e/remember.test.ts has what is remembered.
    const { record: _, ...request } = parse(argv)
    assert.equal(request, expected)
  })
}

for (const [argv, message, hint] of refused) {
  test(`${shown(argv)} is refused`, () => {
    const error = thrown(() => parse(argv))
    assert.instance(error, UsageError)
    assert.is(error.message, message)
    if (hint !== undefined) assert.ok(error.hint?.includes(hint), `hint: ${error.hint}`)
  })
}

test('every option of the table has a row here', () => {
  const given = (argv: string[]) =>
    walk(verbOf(argv) === undefined ? argv : argv.slice(1), verbOf(argv) ?? 'run', ROWS[verbOf(argv) ?? 'run']).typed
  const seen = new Set(accepted.flatMap(([argv]) => given(argv).map(({ option }) => option.name)))
  assert.equal(
    OPTIONS.map(({ name }) => name).filter((name) => !seen.has(name)),
    [],
  )
})

test('only a backslash before a colon is special', () => {
  assert.equal(splitColon('a\\b\\\\c'), ['a\\b\\\\c', undefined])
  assert.equal(splitColon('\\:'), [':', undefined])
  assert.equal(splitColon(':'), ['', ''])
})

test.run()

function thrown(body: () => unknown): Error & { hint?: string } {
  try {
    body()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was taken')
}
