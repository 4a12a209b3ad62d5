/** A command line's second start: its plan is remembered, and nothing else is different. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { sha256 } from '../../src/host/sha256.ts'
import { VERBS } from '../../src/cli/verb.ts'
import { execute, inTemp, NSBOX, nsbox, PLAIN, type Ran } from '../helpers/nsbox.ts'
import { Native, recordsIn, remembering } from '../helpers/remember.ts'

type Box = (args: readonly string[], options?: Parameters<typeof nsbox>[1]) => Ran

/** Runs the body with a directory, and with boxes that are remembered below it. */
function inCache(body: (box: Box, dir: string, cache: string) => void | Promise<void>): () => Promise<void> {
  return inTemp((dir) => {
    const cache = join(dir, 'cache')
    const env = remembering(cache)
    return body(
      (args, options = {}) => nsbox(args, { cwd: dir, ...options, env: { ...env, ...options.env } }),
      dir,
      cache,
    )
  })
}

const MARK = 'nsbox: remembered\n'
const isRemembered = ({ stderr }: Ran): boolean => stderr.startsWith(MARK)

test.before(() => {
  if (PLAIN) throw new Error('a build without native code remembers nothing: leave this file out')
})

test(
  'the second start of a command line is remembered, also with another command',
  inCache((box, _, cache) => {
    const line = ['--verbose', '--ro', '--tmpfs', '/mnt', '--']
    const first = box([...line, 'echo', 'a'])
    assert.is(first.stdout, 'a\n', first.stderr)
    assert.not(isRemembered(first))
    assert.is(recordsIn(cache).length, 1)
    for (const words of [
      ['echo', 'b', 'c'],
      ['printf', '%s|', '', 'x y', '"\\', "'", 'ü', '\u2028', '😀', '\n\t'],
      ['sh', '-c', 'exit 7'],
      ['/nowhere'],
    ]) {
      const again = box([...line, ...words])
      const ordinary = box(['--no-remember', ...line, ...words])
      assert.ok(isRemembered(again), again.stderr)
      assert.not(isRemembered(ordinary))
      const shown = ({ status, stdout, stderr }: Ran) => [
        status,
        stdout,
        stderr.replace(/^nsbox: (remembered|.* us)\n/gm, ''),
      ]
      assert.equal(shown(again), shown(ordinary), words.join(' '))
    }
    assert.is(recordsIn(cache).length, 1)
    assert.ok(isRemembered(box([...line.slice(0, -1), 'echo', 'without', '--'])))
  }),
)

test(
  'words that the native code leaves to the front end reach the command unchanged',
  inCache((box, _, cache) => {
    box(['--verbose', '--ro', '--', 'true'])
    // A control character, and bytes that are not UTF-8, by a shell, since no argument of spawn can have them.
    const printed = box(['--verbose', '--ro', '--', 'printf', '%s', 'a\u0001b'])
    assert.is(printed.stdout, 'a\u0001b')
    assert.not(isRemembered(printed))
    const { stdout } = execute('sh', ['-c', `"$0" --ro -- printf %s "$(printf 'a\\377b')" | od -An -tx1`, NSBOX], {
      env: remembering(cache),
    })
    assert.is(stdout.trim(), '61 ff 62')
  }),
)

// As fakeroot does: the runtime is told other ids than the kernel's.
test(
  'a start with a library before the C library is not remembered, and uses no remembered plan',
  inCache((box, _, cache) => {
    for (const name of ['LD_PRELOAD', 'LD_AUDIT']) {
      const line = ['--verbose', '--ro', '--', 'true']
      const env = { [name]: '/nowhere.so' }
      box(line, { env })
      assert.equal(recordsIn(cache), [])
      box(line)
      assert.ok(isRemembered(box(line)))
      assert.not(box(line, { env }).stderr.includes(MARK))
      rmSync(join(cache, 'starts'), { recursive: true })
    }
  }),
)

test(
  'a verb is never taken for the command of a remembered box',
  inCache((box) => {
    box(['--verbose', 'true'])
    for (const verb of VERBS) {
      if (verb === 'run') continue
      const { stderr, status } = box([verb, '--help'])
      assert.is(status, 0, stderr)
      assert.not(stderr.includes(MARK))
    }
    assert.is(box(['run', '--', 'echo', 'x']).stdout, 'x\n')
  }),
)

test(
  'an error of usage stays one, whatever is remembered',
  inCache((box) => {
    box(['--ro', 'true'])
    box(['--ro', '--proc', 'true'])
    for (const words of [
      ['--ro'],
      ['--ro', '--'],
      ['--ro', ''],
      ['--ro', '--', ''],
      ['--ro', '--nonsense', 'true'],
      ['--ro', '--proc', '/proc'],
    ])
      assert.is(box(words).status, 2, words.join(' '))
  }),
)

test(
  'a start shows what has changed on the host since the plan was made',
  inCache((box, dir) => {
    const root = join(dir, 'root')
    mkdirSync(join(root, 'bin'), { recursive: true })
    const line = [
      '--verbose',
      '--root',
      'root',
      '--ro-bind',
      '/usr',
      '--symlink',
      'usr/lib:/lib',
      '--symlink',
      'usr/lib64:/lib64',
      '--ro-bind',
      '/bin:/bin',
      'ls',
      '/',
    ]
    box(line)
    assert.ok(isRemembered(box(line)))
    assert.not(box(line).stdout.includes('proc'))
    mkdirSync(join(root, 'proc'))
    const changed = box(line)
    assert.not(isRemembered(changed))
    assert.match(changed.stdout, /proc/)
    assert.ok(isRemembered(box(line)))
    renameSync(root, join(dir, 'other'))
    assert.is(box(line).status, 125)
    symlinkSync('other', root)
    assert.match(box(line).stdout, /proc/)
    rmSync(root)
    writeFileSync(root, '')
    assert.match(box(line).stderr, /is not a directory/)
  }),
)

test(
  'another directory of the caller is another plan',
  inCache((box, dir) => {
    for (const name of ['a', 'b']) {
      mkdirSync(join(dir, name))
      const started = () => box(['--verbose', 'pwd'], { cwd: join(dir, name) })
      assert.not(isRemembered(started()))
      const again = started()
      assert.ok(isRemembered(again))
      assert.is(again.stdout, `${join(dir, name)}\n`)
    }
    renameSync(join(dir, 'a'), join(dir, 'c'))
    assert.is(box(['pwd'], { cwd: join(dir, 'c') }).stdout, `${join(dir, 'c')}\n`)
  }),
)

test(
  'the environment is that of each start',
  inCache((box) => {
    const show = (value: string) => box(['--verbose', '--ro', 'sh', '-c', 'echo $A'], { env: { A: value } })
    show('1')
    const again = show('2')
    assert.ok(isRemembered(again))
    assert.is(again.stdout, '2\n')
  }),
)

test(
  'NSBOX_REMEMBER=0 and --no-remember neither store nor use a plan',
  inCache((box, _, cache) => {
    const off = { env: { NSBOX_REMEMBER: '0' } }
    box(['--ro', 'true'], off)
    box(['--ro', '--no-remember', 'true'])
    assert.equal(recordsIn(cache), [])
    box(['--verbose', '--ro', 'true'])
    assert.is(recordsIn(cache).length, 1)
    assert.ok(isRemembered(box(['--verbose', '--ro', 'true'])))
    assert.not(isRemembered(box(['--verbose', '--ro', 'true'], off)))
    assert.not(isRemembered(box(['--no-remember', '--verbose', '--ro', 'true'])))
  }),
)

test(
  "neither a command's words, nor a variable's value, nor what a file says are stored",
  inCache((box, dir, cache) => {
    writeFileSync(join(dir, 'profile.toml'), '# hush\nro = true\n')
    mkdirSync(join(dir, '.git'))
    writeFileSync(join(dir, '.git/config'), '[remote "origin"]\nurl = https://hush@host.example/\n')
    for (const profile of ['./profile.toml', 'workspace']) assert.is(box(['--profile', profile, 'true']).status, 0)
    assert.is(recordsIn(cache).length, 2)
    for (const file of recordsIn(cache)) assert.not(readFileSync(file).includes('hush'))
    rmSync(join(cache, 'starts'), { recursive: true })
    writeFileSync(join(dir, 'vars'), 'B=hush\n#C=hush\n')
    writeFileSync(join(dir, 'comments'), '# hush\n')
    const env = { SECRET: 'hush' }
    box(['--ro', 'echo', 'hush'], { env })
    box(['--ro', '--env', 'SECRET', 'true'], { env })
    for (const words of [
      ['--env', 'A=hush'],
      ['--clear-env', '--env', 'SECRET'],
      ['--env-file', 'vars'],
      ['--env-file', 'comments'],
      ['--argv0', 'hush'],
    ]) {
      const before = recordsIn(cache).length
      assert.is(box(['--ro', ...words, 'env'], { env }).status, 0)
      assert.is(recordsIn(cache).length, before, words.join(' '))
    }
    assert.is(recordsIn(cache).length, 2)
    for (const file of recordsIn(cache)) assert.not(readFileSync(file).includes('hush'))
  }),
)

test(
  'options from a file count as they are now',
  inCache((box, dir, cache) => {
    const [profile, other] = [join(dir, 'profile.json'), join(dir, 'other.toml')]
    const line = ['--verbose', '--profile', profile, '--', 'uname', '-n']
    writeFileSync(other, 'ro = true\n')
    for (const name of ['first', 'second']) {
      writeFileSync(profile, JSON.stringify({ extends: 'other.toml', hostname: name }))
      for (const isLater of [false, true]) {
        const ran = box(line)
        assert.equal([ran.stdout, isRemembered(ran)], [`${name}\n`, isLater], ran.stderr)
      }
    }
    writeFileSync(other, 'ro = true # changed\n')
    assert.not(isRemembered(box(line)))
    assert.ok(isRemembered(box(line)))
    rmSync(other)
    assert.match(box(line).stderr, /^nsbox: profile: open: [^\n]*other.toml/)
    // What a pipe gives is gone when it was read.
    const before = recordsIn(cache).length
    const { stdout } = execute('bash', ['-c', `"$0" --profile <(echo 'hostname = "pipe"') uname -n`, NSBOX], {
      env: remembering(cache),
    })
    assert.is(stdout, 'pipe\n')
    assert.is(recordsIn(cache).length, before)
  }),
)

test(
  'boxes with rules, hosts by name and presets are remembered, and show what has changed',
  inCache((box, dir) => {
    const project = join(dir, 'project')
    mkdirSync(join(project, 'real'), { recursive: true })
    writeFileSync(join(project, 'real/.env'), 'secret')
    symlinkSync('real', join(project, 'link'))
    const at = (...words: string[]): Ran => box(['--verbose', ...words], { cwd: project })
    const isLater = (...words: string[]): boolean[] => [1, 2].map(() => isRemembered(at(...words)))
    for (const options of [
      ['--write', 'link', '--keep', 'real/.env'],
      ['--hide', '**/.env'],
      ['--allow-host', 'a.example:443'],
      ['--allow-socket', '/none'],
      ['--seccomp', 'none'],
      ['--profile', 'workspace', '--allow-host', 'a.example'],
      ['--profile', 'read-only', '--write', 'real'],
    ])
      assert.equal(isLater(...options, '--', 'true'), [false, true], options.join(' '))

    const hidden = ['--hide', '**/.env', '--', 'cat', 'link/.env']
    assert.ok(isRemembered(at(...hidden)))
    assert.is(at(...hidden).stdout, '')
    // A link moves: what a rule is about is another directory.
    const write = ['--write', 'link', '--', 'touch', 'real/new', 'other/new']
    mkdirSync(join(project, 'other'))
    at(...write)
    assert.ok(isRemembered(at(...write)))
    rmSync(join(project, 'link'))
    symlinkSync('other', join(project, 'link'))
    const moved = at(...write)
    assert.not(isRemembered(moved))
    assert.match(moved.stderr, /real\/new/)
    assert.not.match(moved.stderr, /'other\/new/)
    // A repository comes up, and the preset protects its settings.
    const commit = ['--profile', 'workspace', '--', 'touch', '.git/config']
    at(...commit)
    mkdirSync(join(project, '.git'))
    writeFileSync(join(project, '.git/config'), '')
    const refused = at(...commit)
    assert.not(isRemembered(refused))
    assert.match(refused.stderr, /Read-only file system/)
    assert.ok(isRemembered(at(...commit)))
  }),
)

test(
  'boxes that are warned of are warned of each time',
  inCache((box, _, cache) => {
    for (const words of [['--privileged'], ['--tmpfs', '/mnt', '--tmpfs', '/mnt']]) {
      const shown = [1, 2].map(() => box([...words, 'true']).stderr)
      assert.match(shown[0] ?? '', /warning/)
      assert.is(shown[1], shown[0])
    }
    assert.equal(recordsIn(cache), [])
  }),
)

test(
  'closed streams, a low limit on files and an ignored signal reach the command as at its first start',
  inCache((_, dir, cache) => {
    const env = remembering(cache)
    const shown = (script: string) => {
      const ran = execute('sh', ['-c', script, NSBOX], { env, cwd: dir })
      return [ran.status, ran.stdout, ran.stderr]
    }
    for (const script of [
      `ulimit -n 99; "$0" --ro sh -c 'ulimit -n'`,
      `trap '' PIPE XFSZ; "$0" --ro grep SigIgn /proc/self/status`,
      `"$0" --ro sh -c 'ls -l /proc/self/fd' <&- | grep -c null`,
      `"$0" --ro ls /proc/self/fd 9</ 8</dev/null`,
      `ulimit -f 10; "$0" --ro true`,
      `"$0" --ro --status-fd 3 true`,
      `"$0" --ro cat /proc/1/comm /proc/self/comm`,
    ])
      assert.equal(shown(script), shown(script), script)
  }),
)

test(
  'no more than 128 plans are kept, and the one that was stored first goes first',
  inCache(async (_, dir, cache) => {
    const native = new Native()
    const start = (n: number) => ({ words: [`--hostname=${n}`, 'true'], cwd: dir, variables: { NSBOX_CACHE: cache } })
    const record = ['1', 'head', 'tail']
    try {
      for (let n = 0; n < 140; n++) {
        await native.remember(start(n), record)
        // Files of one second have no order.
        for (const file of recordsIn(cache)) if (n < 12) utimesSync(file, 1000 + n, 1000 + n)
      }
      assert.is(recordsIn(cache).length, 128)
      assert.is(await native.find(start(0)), undefined)
      assert.is(await native.find(start(11)), undefined)
      assert.is(await native.find(start(139)), 'head["true"]tail')
    } finally {
      native.end()
    }
  }),
)

test(
  'doctor shows how many plans there are, and removes them',
  inCache((box, dir, cache) => {
    const doctor = (...words: string[]): string => box(['doctor', ...words]).stdout
    assert.match(doctor(), `remembered plans: no plan yet; each will be a file in ${cache}/starts\n`)
    assert.is(doctor('--forget'), '0 plans removed\n')
    box(['--ro', 'true'])
    box(['true'])
    assert.match(
      doctor(),
      /remembered plans: 2 plans, \d+ KiB, in [^\n]*\/starts; nsbox doctor --forget removes them\n/,
    )
    assert.is(doctor('--forget'), '2 plans removed\n')
    assert.equal(recordsIn(cache), [])
    // Nothing is removed through a link.
    mkdirSync(join(dir, 'other'))
    writeFileSync(join(dir, 'other/file'), '')
    rmSync(join(cache, 'starts'), { recursive: true })
    symlinkSync('../other', join(cache, 'starts'))
    assert.match(box(['doctor', '--forget']).stderr, /^nsbox: start: remove the remembered plans: .*\(ENOTDIR\)\n/)
    assert.equal(readdirSync(join(dir, 'other')), ['file'])
    assert.match(box(['doctor'], { env: { NSBOX_REMEMBER: '0' } }).stdout, 'no plan is remembered')
    assert.is(box(['doctor', '--forget', '--json']).status, 2)
  }),
)

test(
  'each kind of look is compared',
  inCache(async (_, dir, cache) => {
    const native = new Native()
    const file = join(dir, 'file')
    const real = realpathSync(dir)
    // Around the blocks of the sum, and what is read at once.
    const lengths = [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 4095, 4096, 4097, 1000000]
    const start = { words: ['--ro', 'true'], cwd: dir, variables: { NSBOX_CACHE: cache } }
    const holds = async (...looks: string[]): Promise<boolean> => {
      await native.remember(start, ['1', '{', '}', ...looks])
      return (await native.find(start)) === '{["true"]}'
    }
    try {
      writeFileSync(file, 'text\n')
      symlinkSync('nowhere', join(dir, 'link'))
      symlinkSync('loop', join(dir, 'loop'))
      symlinkSync('file', join(dir, 'real'))
      for (const length of lengths) writeFileSync(join(dir, String(length)), 'x'.repeat(length))
      writeFileSync(join(dir, 'large'), 'x'.repeat(1100000))
      for (const name of ['a', 'b']) mkdirSync(join(dir, 'some', name), { recursive: true })
      writeFileSync(join(dir, 'some/file'), '')
      for (const looks of [
        [`d${dir}`],
        [`D${dir}`],
        [`o${file}`],
        [`O${file}`],
        [`o${dir}/link`],
        [`N${dir}/link`],
        [`E${dir}/link`],
        [`n${dir}/none`],
        [`e${file}/none`],
        [`E${dir}/loop`],
        [`c${dir}`],
        [`r${file}`, sha256('text\n')],
        ['rfile', sha256('text\n')],
        ...lengths.map((length) => [`r${dir}/${length}`, sha256('x'.repeat(length))]),
        ['r/proc/self/uid_map', sha256(readFileSync('/proc/self/uid_map'))],
        ['mshown', `d${dir}`],
        [`kd${dir}`],
        [`kf${file}`],
        [`kl${dir}/link`],
        ['ko/dev/null'],
        [`k-${dir}/none`],
        [`l${dir}/link`, 'nowhere'],
        [`p${dir}/real`, join(real, 'file')],
        [`p${dir}`, real],
        [`q${dir}/none`],
        [`q${dir}/link`],
        [`i${dir}/some`, 'b/a'],
        [`i${dir}/some/a`, ''],
        [`i${dir}/none`, ''],
        ['v2.6'],
        ['v3.10'],
        ['w99.0'],
        ['z'],
        ['b', `d${dir}`],
      ])
        assert.ok(await holds(...looks), looks.join(' '))
      for (const looks of [
        [`d${file}`],
        [`o${dir}`],
        [`O${dir}/link`],
        [`n${dir}/link`],
        [`n${file}`],
        [`n${file}/none`],
        [`e${file}`],
        ['c/'],
        [`r${file}`, sha256('text')],
        [`r${file}`, 'text\n'],
        [`r${file}`, ''],
        [`r${dir}/none`, sha256('')],
        [`r${dir}`, sha256('')],
        [`r${dir}/large`, sha256('x'.repeat(1100000))],
        [`r${file}`],
        [`d${dir}`, `d${file}`],
        ['b', `d${file}`],
        [`kf${dir}`],
        [`kd${file}`],
        [`kf${dir}/real`],
        [`k-${dir}/link`],
        ['k'],
        [`l${dir}/link`, 'nowhere/'],
        [`l${dir}/link`, 'nowher'],
        [`l${file}`, ''],
        [`l${dir}/link`],
        [`p${dir}/real`, join(real, 'real')],
        [`p${dir}/none`, join(real, 'none')],
        [`q${file}`],
        [`i${dir}/some`, 'a'],
        [`i${dir}/some`, 'a/b/c'],
        [`i${dir}/some`, 'a/bb'],
        [`i${dir}/some`, ''],
        [`i${dir}/none`, 'a'],
        ['v99.0'],
        ['w2.6'],
        ['y'],
        [`d/${'x'.repeat(5000)}`],
        ['?'],
        [''],
      ])
        assert.not(await holds(...looks), looks.join(' '))
    } finally {
      native.end()
    }
  }),
)

test.run()
