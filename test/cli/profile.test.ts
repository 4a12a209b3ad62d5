/** --profile: options from files in JSON with comments, or TOML. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box, UsageError } from '../../src/index.ts'
import { readJsonProfile } from '../../src/options/profile-json.ts'
import { readTomlProfile } from '../../src/options/profile-toml.ts'
import { OPTIONS } from '../../src/options/rows.ts'
import { camel, FOR_THE_COMMAND_LINE } from '../../src/text/camel-case.ts'
import { parse } from '../helpers/command.ts'
import { execute, inTemp, NSBOX, nsbox, planOf } from '../helpers/nsbox.ts'

/** Writes a profile, and parses a command line that names it. */
const optionsOf = (dir: string, content: string, ...words: string[]) => {
  const path = join(dir, 'p')
  writeFileSync(path, content)
  return parse(['--profile', path, ...words, 'cmd']).options
}
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test(
  'both kinds of file say the same',
  inTemp((dir) => {
    const json = `// what agents get
      { "$schema": "nsbox/profile.schema.json", "ro": true, "tmpfs": ["/tmp", "/run:size=1m"], "cpus": 1.5, /* half */
        "roBind": "/usr", "env": {"A": "1", "B": "\\u00e4\\ud83d\\ude00"}, "capDrop": ["kill", "mknod"], "net": "none", "noInit": true,
        "mounts": [{"type": "bind", "source": "/a", "target": "/b", "optional": true},], }`
    const toml = `# what agents get
ro = true
tmpfs = ["/tmp", # in memory
  '/run:size=1m', ]
cpus = 1.5
roBind = "/usr"
env = { A = "1", B = "\\u00E4\\U0001F600" }
capDrop = [ "kill", "mknod" ]
net = 'none'
noInit = true
[[mounts]]
type = "bind"
source = "/a"
target = "/b"
optional = true
`
    const expected = {
      ro: true,
      mounts: [
        { type: 'tmpfs', target: '/tmp' },
        { type: 'tmpfs', target: '/run', size: 1048576 },
        { type: 'bind', source: '/usr', readonly: true },
        { type: 'bind', source: '/a', target: '/b', optional: true },
      ],
      cpus: 1.5,
      env: [
        { type: 'set', name: 'A', value: '1' },
        { type: 'set', name: 'B', value: 'ä😀' },
      ],
      capabilities: [
        { type: 'drop', name: 'kill' },
        { type: 'drop', name: 'mknod' },
      ],
      net: 'none',
      init: false,
    }
    assert.equal(plain(optionsOf(dir, json)), expected)
    assert.equal(plain(optionsOf(dir, toml)), expected)
    assert.equal(plain(optionsOf(dir, '')), {})
  }),
)

test(
  "the command line comes after, wherever --profile stands: its single values win, its lists add, and its root replaces the profile's",
  inTemp((dir) => {
    const profile = '{"net": "none", "tmpfs": "/tmp", "env": {"A": "1"}, "root": "/r", "name": "a"}'
    assert.equal(optionsOf(dir, profile, '--net', 'host', '--tmpfs=/run', '-e', 'A=2', '--image', './i.iso'), {
      net: 'host',
      mounts: [
        { type: 'tmpfs', target: '/tmp' },
        { type: 'tmpfs', target: '/run' },
      ],
      env: [
        { type: 'set', name: 'A', value: '1' },
        { type: 'set', name: 'A', value: '2' },
      ],
      name: 'a',
      image: './i.iso',
    })
    const path = join(dir, 'p')
    assert.is(parse(['--net=host', '--profile', path, 'x']).options.net, 'host')
    writeFileSync(join(dir, 'q'), 'net = "host"\nroot = "/other"\ntmpfs = "/q"')
    const both = parse(['--profile', path, '--profile', join(dir, 'q'), 'x']).options
    assert.equal([both.net, both.root, both.mounts?.length], ['host', '/other', 2])
  }),
)

test(
  'relative paths of the host start from the directory of the profile',
  inTemp((dir) => {
    mkdirSync(join(dir, 'sub'))
    const content =
      '{"root":"r","overlay":"o","seccomp":"s.json","bind":"a:/a","roBindTry":["b","~/c","/d:/e"],"file":"f:/f","envFile":"v","mounts":[{"type":"bind","source":"m"}],"cwd":"/x"}'
    const options = optionsOf(join(dir, 'sub'), content)
    const at = (name: string) => join(dir, 'sub', name)
    assert.equal([options.root, options.overlay, options.seccomp, options.cwd], [at('r'), at('o'), at('s.json'), '/x'])
    assert.equal(
      options.mounts?.flatMap((mount) => ('source' in mount ? [mount.source] : [])),
      [at('a'), at('b'), `${process.env.HOME}/c`, '/d', at('f'), at('m')],
    )
    assert.equal(options.env, [{ type: 'file', path: at('v') }])
    assert.is(optionsOf(dir, '{"image":"./i.iso"}').image, `${dir}/./i.iso`)
    assert.is(optionsOf(dir, '{"image":"host/i"}').image, 'host/i')
    assert.is(optionsOf(dir, '{"seccomp":"none"}').seccomp, 'none')
  }),
)

test(
  'a box runs by a profile, and a program has it too',
  inTemp(async (dir) => {
    mkdirSync(join(dir, 'data'))
    writeFileSync(join(dir, 'data/file'), '')
    const path = join(dir, 'p.toml')
    writeFileSync(path, 'roBind = "data:/mnt"\nenv.A = "from profile"\n')
    assert.is(nsbox(['--profile', path, 'sh', '-c', 'ls /mnt; echo $A']).stdout, 'file\nfrom profile\n')
    assert.is(nsbox(['--profile', path, '--env', 'A=typed', 'sh', '-c', 'echo $A']).stdout, 'typed\n')
    const b = box({ profile: path, env: { B: 'in program' } })
    assert.is((await b.run(['sh', '-c', 'ls /mnt; echo $A $B'])).stdout, 'file\nfrom profile in program\n')
    const program = join(dir, 'baked')
    assert.is(nsbox(['bake', '-o', program, '--profile', path, 'sh', '-c', 'echo $A']).status, 0)
    assert.is(execute(program, []).stdout, 'from profile\n')
    const pipe = execute('bash', ['-c', '"$0" --profile <(echo "env.A = \'piped\'") sh -c "echo \\$A"', NSBOX])
    assert.equal([pipe.stdout, pipe.stderr], ['piped\n', ''])
  }),
)

test(
  'a profile extends others: lists add, a single value replaces, false takes back, and -X takes X out',
  inTemp((dir) => {
    mkdirSync(join(dir, 'sub'))
    const write = (name: string, content: unknown) => writeFileSync(join(dir, name), JSON.stringify(content))
    write('base.json', {
      ro: true,
      net: 'none',
      overlay: true,
      root: './r',
      roBind: ['/usr', 'data', '/etc'],
      env: ['A=1', 'B'],
      hostname: 'base',
    })
    writeFileSync(join(dir, 'sub/middle.toml'), 'extends = "../base.json"\nroBind = ["-/etc", "more"]\nro = false\n')
    write('other.json', { extends: ['./base.json'], env: '-A=1', image: './i.iso' })
    write('top.json', { extends: ['./sub/middle.toml', './other.json'], net: 'host', roBind: '-data', overlay: false })
    const { options } = parse(['--profile', join(dir, 'top.json'), 'x'])
    assert.equal(options, {
      ro: false,
      net: 'host',
      hostname: 'base',
      image: `${dir}/./i.iso`,
      mounts: ['/usr', join(dir, 'sub/more')].map((source) => ({ type: 'bind', source, readonly: true })),
      env: [{ type: 'pass', name: 'B' }],
    })
    // Each counts once, also where the command line names it again.
    const again = parse(['--profile', join(dir, 'base.json'), '--profile', join(dir, 'sub/middle.toml'), 'x']).options
    assert.equal([again.mounts?.length, again.ro, again.root], [3, false, `${dir}/./r`])
    // What is wrong is said of the file that has it.
    write('base.json', { roBnd: 'x', roBind: ['data', '/etc'], env: ['A=1'] })
    assert.match(
      nsbox(['plan', '--profile', join(dir, 'top.json'), 'true']).stderr,
      new RegExp(`^nsbox: --profile ${dir}/sub/../base.json: /roBnd: unknown option`),
    )
    write('base.json', { roBind: ['/usr', '/lib'] })
    write('other.json', { extends: './base.json', roBind: ['-/usrr'] })
    assert.match(
      nsbox(['plan', '--profile', join(dir, 'other.json'), 'true']).stderr,
      /other.json: \/roBind\/0: no profile before has '\/usrr' there\nhint: the nearest is -\/usr\n/,
    )
  }),
)

/** What is wrong in a profile, and what is said about it behind the path. */
const REFUSED: [string, RegExp][] = [
  ['{"roBnd":"x"}', /\/roBnd: unknown option\nhint: the nearest is roBind/],
  ['{"ro-bind":"x"}', /\/ro-bind: unknown option\nhint: it is spelled roBind/],
  ['{"statusFd":3}', /\/statusFd: unknown option/],
  ['{"a/b~c":1}', /\/a~1b~0c: unknown option/],
  ['{"__proto__":{"ro":true}}', /\/__proto__: unknown option/],
  ['__proto__.ro = true', /\/__proto__: unknown option/],
  ['{"constructor":1}', /\/constructor: unknown option/],
  ['{"profile":"x"}', /\/profile: a profile names another by extends/],
  ['{"extends":5}', /\/extends: must be a preset or a file, not 5/],
  ['{"extends":["./p"]}', /\/extends: extends itself: \S+ → \S+/],
  ['{"extends":["./q",""]}', /\/extends\/1: must be a preset or a file, not empty/],
  ['{"roBind":["-/usr"]}', /\/roBind\/0: no profile before has '\/usr' there/],
  ['{"extend":"x"}', /\/extend: unknown option\nhint: the nearest is extends/],
  ['{"ro":1}', /\/ro: must be true or false, not 1/],
  ['{"ro":null}', /\/ro: must not be null/],
  ['{"timeout":5}', /\/timeout: must be text such as '10s', not 5/],
  ['{"tmpfs":["/a","b"]}', /\/tmpfs\/1: 'b' must be an absolute path/],
  ['{"capAdd":["kill,fly"]}', /\/capAdd\/0: no capability 'fly'/],
  ['{"mounts":[{"type":"bind"}]}', /\/mounts\/0\/source: is missing/],
  [
    '{"mounts":[{"type":"dir","target":"/a"},{"type":"tmpfs","target":"/a","size":0}]}',
    /\/mounts\/1\/size: must be a number of bytes above 0/,
  ],
  ['{"mounts":{}}', /\/mounts: must be an array/],
  ['{"env":{"A":5}}', /\/env\/A: must be text, not 5/],
  ['{"env":{"A=B":"x"}}', /\/env: 'A=B' can't be the name of a variable/],
  ['{"name":"\\u001b[31m"}', /\/name: '\\x1b\[31m' can't be the name of a box/],
  ['{"\\u001b[31m":1}', /\/\\x1b\[31m: unknown option/],
  ['[a]\nb=1', /\/a: unknown option/],
  ['cpus = "x"', /\/cpus: 'x' must be a number/],
]

/** Texts that are no profile, and what is said. The words about TOML are the library's. */
const BROKEN: [string, RegExp][] = [
  ['{', /line 1, column 2: } is missing/],
  ['{,}', /line 1, column 2: a value is missing/],
  ['{"ro": true\n "net": 1}', /line 2, column 2: , or a closing bracket is missing/],
  ['{"a":1,,"b":2}', /line 1, column 8: a key in quotes is missing/],
  ['{"a" 1}', /line 1, column 6: : is missing/],
  ['{"ro": true} x', /line 1, column 14: no value begins so/],
  ['{"ro": true} {}', /line 1, column 14: text behind the end/],
  ['{"ro":true,"ro":false}', /line 1, column 12: "ro" is there twice/],
  ['{"env":{"\\u001b":"","\\u001b":""}}', /line 1, column 21: "\\x1b" is there twice/],
  ['{"a":"\\x"}', /line 1, column 6: no such escape/],
  ['{"a":"\\u0000"}', /line 1, column 6: a NUL character/],
  ['{"a\\u0000":1}', /line 1, column 2: a NUL character/],
  ['{"a":"\\ud800"}', /line 1, column 6: no such character/],
  ['{"a":"b\tc"}', /line 1, column 6: a control character in a text/],
  ['{"a":"b\nc"}', /line 1, column 6: the text has no end/],
  ['/* x', /line 1, column 1: the comment has no end/],
  ['// x', /line 1, column 5: a value is missing/],
  [`{"a":${'['.repeat(100000)}`, /line 1, column 21: nested too deeply/],
  [`a = ${'['.repeat(100000)}`, /line 1, column 21: document contains excessively nested structures/],
  ['{"a":01}', /line 1, column 7: , or a closing bracket is missing/],
  ['{"a":tru}', /line 1, column 6: no value begins so/],
  ['{"a":1.}', /line 1, column 6: the number has no end/],
  ['{"a":9007199254740993}', /line 1, column 6: a number that is too large/],
  ['{"a":1e999}', /line 1, column 6: no option is infinite/],
  ['a = 9007199254740993', /line 1, column 5: integer value cannot be represented/],
  ['ro = yes', /line 1, column 6: no value begins so: a text stands in quotes/],
  ['ro = true net = 1', /line 1, column 11: each key-value declaration must be followed by an end-of-line/],
  ['ro = true\nro = false', /line 2, column 1: trying to redefine/],
  ['[env]\n[env]', /line 2, column 2: trying to redefine/],
  ['ro = true\n[ro]', /line 2, column 2: trying to redefine/],
  ['mounts = []\n[[mounts]]', /line 2, column 3: trying to redefine/],
  ['env = {A = "1"}\nenv.B = "2"', /line 2, column 1: trying to redefine/],
  ['ro', /line 1, column 1: incomplete key-value/],
  ['x = "a', /line 1, column 5: unfinished string/],
  ['x = """a', /line 1, column 5: unfinished string/],
  ["x = 'a\n'", /line 1, column 7: control characters/],
  ['x = "\\ud800"', /line 1, column 6: invalid unicode escape/],
  ['= 1', /line 1, column 1: unexpected end of key/],
  // What the library takes and no option can be: it has no line for a value.
  ['x = 1979-05-27', /\/x: no option is a date/],
  ['x = [inf]', /\/x\/0: no option is infinite/],
  ['x."a/b" = "\\u0000"', /\/x\/a~1b: a NUL character/],
  ['"a\\u0000" = 1', /\/: a NUL character in a key/],
]

test(
  'what is no option of a box is refused with its place and the way out',
  inTemp((dir) => {
    const path = join(dir, 'p')
    writeFileSync(join(dir, 'q'), '{}')
    for (const [content, said] of REFUSED) {
      writeFileSync(path, content)
      const { status, stdout, stderr } = nsbox(['plan', '--profile', path, 'true'])
      assert.equal([status, stdout], [2, ''], content)
      assert.ok(stderr.startsWith(`nsbox: --profile ${path}: `), stderr)
      assert.match(stderr, said)
      assert.throws(
        () => box({ profile: path }),
        (error: unknown) => error instanceof UsageError,
      )
    }
    for (const [content, said] of BROKEN) {
      writeFileSync(path, content)
      const { status, stderr } = nsbox(['plan', '--profile', path, 'true'])
      assert.is(status, 125, content)
      assert.match(stderr, /^nsbox: profile: (?:line \d+, column \d+|\/.*): /)
      assert.match(stderr, said)
    }
  }),
)

const PRESET_NAMES = ['read-only', 'workspace', 'offline-build', 'closed']
const PAIRS = PRESET_NAMES.flatMap((one) => PRESET_NAMES.filter((other) => other !== one).map((other) => [one, other]))

test('presets go together in each order, without a warning, and what is shown of both says the same', () => {
  // Below /tmp a preset shows the project over its own /tmp.
  for (const parent of ['/tmp', '/var/tmp']) {
    const dir = mkdtempSync(`${parent}/nsbox-`)
    try {
      mkdirSync(join(dir, '.git/hooks'), { recursive: true })
      for (const [one = '', other = ''] of PAIRS) {
        const plan = (...words: string[]) => {
          const { status, stdout, stderr } = execute(NSBOX, ['plan', ...words, 'true'], { cwd: dir })
          assert.equal([status, stderr], [0, ''], words.join(' '))
          return stdout
        }
        const shown = execute(NSBOX, ['profile', 'show', '--json', one, other], { cwd: dir }).stdout
        writeFileSync(join(dir, 'both'), shown)
        const whole = plan('--profile', one, '--profile', other)
        const sorted = (text: string) => text.split('\n').sort()
        assert.equal(sorted(plan('--profile', './both')), sorted(whole), `${one} ${other}`)
        rmSync(join(dir, 'both'))
      }
    } finally {
      rmSync(dir, { recursive: true })
    }
  }
})

test(
  'workspace and closed together: the system and the project alone, and the project can be written but for its hooks',
  inTemp((dir) => {
    mkdirSync(join(dir, '.git/hooks'), { recursive: true })
    const commands = 'touch made && ls -A / | tr "\\n" " "; touch .git/hooks/x /usr/x; echo $HOME'
    for (const order of [
      ['workspace', 'closed'],
      ['closed', 'workspace'],
    ]) {
      const options = order.flatMap((name) => ['--profile', name])
      const { stdout, stderr } = execute(NSBOX, [...options, 'sh', '-c', commands], { cwd: dir })
      assert.match(stdout, /usr/, stderr)
      assert.not.match(stdout, /home|root |srv/)
      assert.match(stdout, /\/tmp\n$/)
      assert.is(stderr.match(/Read-only file system/g)?.length, 2, stderr)
      assert.ok(existsSync(join(dir, 'made')))
      rmSync(join(dir, 'made'))
    }
  }),
)

test(
  'of two mounts at one path the later source counts, in the place of the earlier one',
  inTemp((dir) => {
    const profile = 'tmpfs = ["/a", "/b"]\nroBind = "/usr:/a/usr"\n'
    const mounts = (...words: string[]) =>
      (optionsOf(dir, profile, ...words).mounts ?? []).map(
        (mount) => `${mount.type} ${'target' in mount ? mount.target : ''}${'size' in mount ? ' limited' : ''}`,
      )
    assert.equal(mounts(), ['tmpfs /a', 'tmpfs /b', 'bind /a/usr'])
    assert.equal(mounts('--tmpfs', '/a/:size=1m'), ['tmpfs /a/ limited', 'tmpfs /b', 'bind /a/usr'])
    assert.equal(mounts('--tmpfs', '/'), ['tmpfs /', 'tmpfs /a', 'tmpfs /b', 'bind /a/usr'])
    // What may be missing, and what hides what is there, take no place.
    assert.equal(mounts('--bind-try', '/x:/b', '--mask', '/a'), [
      'tmpfs /a',
      'tmpfs /b',
      'bind /a/usr',
      'bind /b',
      'mask /a',
    ])
    // Two of one source are a mistake, and stay to be warned of.
    assert.equal(mounts('--tmpfs', '/c', '--tmpfs', '/c').length, 5)
  }),
)

test(
  'files that are no profile',
  inTemp((dir) => {
    const said = (file: string) => nsbox(['plan', '--profile', file, 'true']).stderr
    assert.match(said(join(dir, 'none')), /^nsbox: profile: open: .*none: No such file or directory \(ENOENT\)/)
    assert.match(said(dir), /^nsbox: profile: is not a regular file: /)
    assert.match(said('/dev/zero'), /^nsbox: profile: is not a regular file: /)
    writeFileSync(join(dir, 'large'), `{"ro":true}${' '.repeat(1 << 20)}`)
    assert.match(said(join(dir, 'large')), /^nsbox: profile: has more than the 1048576 bytes that a profile may have: /)
    writeFileSync(join(dir, 'bytes'), Buffer.from([0x72, 0x6f, 0xff]))
    assert.match(said(join(dir, 'bytes')), /^nsbox: profile: isn't text in UTF-8: /)
  }),
)

test(
  'no profile is read unasked, and a plain word names none in the current directory',
  inTemp((dir) => {
    for (const name of ['nsbox.json', 'nsbox.toml', '.nsbox.json', '.nsbox', 'agent', 'profile'])
      writeFileSync(join(dir, name), '{"privileged":true}')
    assert.equal(planOf(['true']).process.noNewPrivs, true)
    const { stdout } = execute(NSBOX, ['plan', 'true'], { cwd: dir })
    assert.is(JSON.parse(stdout).process.noNewPrivs, true)
    const { status, stderr } = execute(NSBOX, ['--profile', 'agent', 'true'], { cwd: dir })
    assert.equal(
      [status, stderr],
      [
        2,
        "nsbox: --profile: there is no profile called 'agent'\nhint: there are read-only workspace offline-build closed; the file of that name is ./agent\n",
      ],
    )
    assert.is(execute(NSBOX, ['plan', '--profile=./agent', 'true'], { cwd: dir }).status, 0)
  }),
)

test('the readers agree with others about valid texts', () => {
  const toml = [
    'a = 1\nb = -0x\n',
    'a = 0xff\nb = 0o17\nc = 0b11\nd = 1_000\ne = +5\nf = -1.5e3',
    'a.b.c = 1\na.d = 2\n[x]\ny.z = 3\n[x.q]\nr = 4',
    '"quoted key" = 1\n\'literal\' = 2\n1234 = 3',
    'a = """\nfirst\n\\\n   second "" third"""\nb = \'\'\'\nraw \\n \'\' x\'\'\'',
    'a = "\\b\\t\\n\\f\\r\\"\\\\"',
    'a = [1, [2, 3], {b = 4, c.d = 5}, ]',
    '[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\nf=1\n[[a.e]]\nf=2',
    'a = [\n  # comment\n  1, # one\n  2\n]\n# end',
    '  a   =   true   # x',
  ]
  for (const text of toml.slice(1)) assert.equal(plain(readTomlProfile(text)), plain(Bun.TOML.parse(text)), text)
  for (const text of ['{"a":[1,-2.5e3,"x\\n\\u00e4",null,true,{"b":{}}]}', '{}', '[]', ' "x" ', '0', '{"":[]}'])
    assert.equal(plain(readJsonProfile(text)), JSON.parse(text), text)
})

test('the published schema has each option, as the library names it', () => {
  const { properties } = JSON.parse(readFileSync(new URL('../../docs/profile.schema.json', import.meta.url), 'utf8'))
  const names = OPTIONS.map(({ name }) => name).filter(
    (name) => name !== 'profile' && !FOR_THE_COMMAND_LINE.includes(name),
  )
  assert.equal(Object.keys(properties).sort(), ['$schema', 'extends', 'mounts', ...names.map(camel)].sort())
})

test.run()
