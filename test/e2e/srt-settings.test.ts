/** The settings of sandbox-runtime as a profile: what a command can read and write, and the same there where it runs. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TOP } from '../../scripts/bench/boxes.ts'
import { RUNTIME } from '../../scripts/bench/peers.ts'
import { hostOfProgram } from '../../src/host/node.ts'
import { box, srtSettings, type BoxOptions } from '../../src/index.ts'
import { srtContent, srtContext } from '../../src/options/srt.ts'
import { asRoot, execute, inTemp, NSBOX } from '../helpers/nsbox.ts'

const FILES = [
  'home/.ssh/id',
  'home/.aws/credentials',
  'home/other/file',
  'p/src/a.txt',
  'p/src/deep/b.txt',
  'p/secrets/key.pem',
  'p/.env',
  'p/config/production.json',
  'p/.git/HEAD',
  'p/.git/config',
  'p/.git/hooks/x',
  'p/.bashrc',
  'p/.mcp.json',
  'p/.vscode/tasks.json',
  'p/.claude/commands/x',
  'p/lib/sub/.git/hooks/x',
  'p/lib/sub/.gitmodules',
  'p/a/b/c/d/.bashrc',
  'outside/file',
]

type Settings = Record<string, unknown>
const files = (over: Settings, more: Settings = {}): Settings => ({
  network: { allowedDomains: [], deniedDomains: [] },
  filesystem: { denyRead: [], allowWrite: [], denyWrite: [], ...over },
  ...more,
})

/**
 * Checks: +r PATH can be read, -w PATH can't be written (or made), and so on. Behind a star, what is done otherwise on
 * purpose, for nsbox alone. $ stands for the directory of the test.
 */
const TABLE: [settings: Settings, checks: string][] = [
  [files({}), '+r p/src/a.txt -w p/src/a.txt -w home/new -w outside/new +r home/.ssh/id'],
  [files({ allowWrite: ['.'] }), '+w p/src/a.txt +w p/new -w home/other/file -w outside/file +r outside/file'],
  [files({ allowWrite: ['src'] }), '+w p/src/a.txt -w p/new -w p/.env'],
  [files({ allowWrite: ['src/'] }), '+w p/src/a.txt -w p/new'],
  [files({ allowWrite: ['./src'] }), '+w p/src/new -w p/new'],
  [files({ allowWrite: ['src/**'] }), '+w p/src/deep/new -w p/new'],
  [files({ allowWrite: ['src/a.txt'] }), '+w p/src/a.txt -w p/src/new'],
  [files({ allowWrite: ['$/outside'] }), '+w outside/new -w p/new'],
  [files({ allowWrite: ['~/other'] }), '+w home/other/file -w home/new'],
  [files({ allowWrite: ['none', 'src'] }), '+w p/src/a.txt -w p/none'],
  // README: the complete example, and the recipes.
  [
    files({
      denyRead: ['~/.ssh'],
      allowRead: [],
      allowWrite: ['.', 'src/', 'test/'],
      denyWrite: ['.env', 'config/production.json'],
    }),
    '-r home/.ssh/id +w p/src/a.txt +r p/.env -w p/.env -w p/config/production.json +w p/config/new',
  ],
  [
    files({ denyRead: ['~/.ssh'], allowWrite: ['.', 'src/', 'test/'], denyWrite: ['.env', 'secrets/'] }),
    '-r home/.ssh/id +w p/new +r p/secrets/key.pem -w p/secrets/key.pem -w p/secrets/new',
  ],
  [
    files({ denyRead: ['$/home'], allowRead: ['.'], allowWrite: ['.'] }),
    '-r home/other/file -r home/.ssh/id +r p/src/a.txt +w p/src/a.txt',
  ],
  [files({ denyRead: ['$'], allowRead: ['.'], allowWrite: ['.'] }), '-r outside/file +r p/src/a.txt +w p/new'],
  [files({ denyRead: ['$'], allowRead: ['.'] }), '-r outside/file +r p/src/a.txt -w p/src/a.txt'],
  // What is hidden is read-only here, and there a place whose files vanish.
  [files({ denyRead: ['~/.ssh'] }), '-r home/.ssh/id *-w home/.ssh/new'],
  [files({ denyRead: ['secrets'], allowWrite: ['.'] }), '-r p/secrets/key.pem *-w p/secrets/new +w p/new'],
  [files({ denyRead: ['.env'], allowWrite: ['.'] }), '-r p/.env *-w p/.env +w p/new'],
  [files({ denyRead: ['~/.ssh', '~/.aws'] }), '-r home/.ssh/id -r home/.aws/credentials +r home/other/file'],
  [files({ denyRead: ['~/none'] }), '+r home/other/file'],
  // Patterns.
  [
    files({ denyRead: ['**/.env', '**/*.pem'], allowWrite: ['.'] }),
    '-r p/.env -r p/secrets/key.pem +r p/src/a.txt +w p/new',
  ],
  [files({ denyRead: ['**/*.pem'], allowRead: ['.'] }), '-r p/secrets/key.pem +r p/.env'],
  [files({ denyRead: ['**/*.txt'], allowRead: ['src/a.txt'] }), '+r p/src/a.txt -r p/src/deep/b.txt'],
  [files({ denyRead: ['src/**'], allowRead: ['src/deep'] }), '-r p/src/a.txt +r p/src/deep/b.txt'],
  // A denied path in an allowed one stays denied, and an allowed one in a denied one is shown.
  [files({ denyRead: ['$', 'secrets'], allowRead: ['.'] }), '+r p/src/a.txt -r p/secrets/key.pem'],
  [files({ denyRead: ['secrets'], allowRead: ['secrets'] }), '+r p/secrets/key.pem'],
  [
    files({ denyRead: ['src'], allowRead: ['src/deep'], allowWrite: ['.'] }),
    '-r p/src/a.txt +r p/src/deep/b.txt +w p/new',
  ],
  [files({ denyRead: ['~'], allowWrite: ['~/other'] }), '-r home/.ssh/id +w home/other/file +r home/other/file'],
  [
    files({ denyRead: ['secrets'], denyWrite: ['secrets'], allowWrite: ['.'] }),
    '-r p/secrets/key.pem *-w p/secrets/key.pem',
  ],
  // Denied writes win at any depth.
  [files({ allowWrite: ['.', 'src/deep'], denyWrite: ['src'] }), '-w p/src/a.txt -w p/src/deep/b.txt +w p/new'],
  [files({ allowWrite: ['.'], denyWrite: ['src/deep'] }), '+w p/src/a.txt -w p/src/deep/b.txt -w p/src/deep/new'],
  [files({ allowWrite: ['src'], denyWrite: ['.'] }), '-w p/src/a.txt'],
  [files({ denyWrite: ['src'] }), '-w p/src/a.txt +r p/src/a.txt'],
  // What is never written to.
  [
    files({ allowWrite: ['.'] }),
    '-w p/.git/config -w p/.git/hooks/x -w p/.git/hooks/new +w p/.git/HEAD -w p/.bashrc -w p/.mcp.json',
  ],
  [files({ allowWrite: ['.'] }), '-w p/.vscode/tasks.json -w p/.vscode/new -w p/.claude/commands/x +w p/.claude/new'],
  [files({ allowWrite: ['.'] }), '*-w p/lib/sub/.git/hooks/x -w p/lib/sub/.gitmodules +w p/lib/sub/new'],
  [files({ allowWrite: ['.'], allowGitConfig: true }), '+w p/.git/config -w p/.git/hooks/x'],
  [files({ allowWrite: ['.'] }, { mandatoryDenySearchDepth: 5 }), '-w p/a/b/c/d/.bashrc +w p/a/b/new'],
  [files({ allowWrite: ['.'] }, { mandatoryDenySearchDepth: 1 }), '-w p/.bashrc +w p/a/b/c/d/.bashrc'],
  [files({ allowWrite: ['.git', '.vscode', '.bashrc'] }), '-w p/.git/hooks/x -w p/.bashrc -w p/.vscode/new'],
  [files({ disabled: true }), '+w p/src/a.txt +w home/other/file +w p/.git/hooks/x +r home/.ssh/id'],
  [
    files({ allowWrite: ['.'] }, { credentials: { files: [{ path: '~/.aws/credentials', mode: 'deny' }] } }),
    '-r home/.aws/credentials +r home/other/file +w p/new',
  ],
  // What has no meaning on Linux, or is about the tools of the other.
  [
    files(
      { allowWrite: ['.'] },
      {
        ignoreViolations: { '*': ['/usr'] },
        allowPty: true,
        enableWeakerNetworkIsolation: false,
        allowAppleEvents: false,
      },
    ),
    '+w p/new -w home/new',
  ],
  [
    {
      network: {
        allowedDomains: [],
        deniedDomains: ['evil.example.org'],
        allowLocalBinding: true,
        strictAllowlist: true,
      },
      filesystem: { denyRead: [], allowWrite: ['.'], denyWrite: [] },
    },
    '+w p/new',
  ],
]

/** What nsbox refuses, and the place that it names. */
const REFUSED: [Settings, string][] = [
  [{}, '/network: is missing'],
  [{ network: {}, filesystem: {} }, '/network/allowedDomains: is missing'],
  [files({ denyReed: [] }), '/filesystem/denyReed: unknown key'],
  [files({}, { sandbox: true }), '/sandbox: unknown key'],
  [files({ denyRead: 'x' }), "/filesystem/denyRead: must be a list, not 'x'"],
  [files({ allowWrite: ['a', 5] }), '/filesystem/allowWrite/1: must be text, not 5'],
  [files({ disabled: 1 }), '/filesystem/disabled: must be true or false'],
  [files({ allowWrite: ['src/*.txt'] }), "/filesystem/allowWrite/0: 'src/*.txt': patterns work in denyRead alone"],
  [files({ denyWrite: ['**/*.lock'] }), '/filesystem/denyWrite/0: '],
  [files({ denyRead: ['/'] }), "/filesystem/denyRead/0: the root itself can't be denied"],
  [files({ allowWrite: ['way-out'] }), '/filesystem/allowWrite/0: is a link that leads elsewhere'],
  [files({}, { mandatoryDenySearchDepth: 11 }), '/mandatoryDenySearchDepth: '],
  [files({}, { credentials: { envVars: [{ name: 'A', mode: 'mask' }] } }), '/credentials/envVars/0/mode: '],
  [{ ...files({}), network: { allowedDomains: [], deniedDomains: [], tlsTerminate: {} } }, '/network/tlsTerminate: '],
  [{ ...files({}), network: { allowedDomains: [], deniedDomains: [], httpProxyPort: 1 } }, '/network/httpProxyPort: '],
  [
    { ...files({}), network: { allowedDomains: ['localhost'], deniedDomains: [] } },
    '/network/allowedDomains/0: localhost',
  ],
  [
    { ...files({}), network: { allowedDomains: ['*.a.org'], deniedDomains: ['b.a.org'] } },
    "/network/deniedDomains/0: 'b.a.org' is part of '*.a.org'",
  ],
]

/** Prints + or - for each of its arguments, such as "+r PATH": whether that can be read, or written. */
const PROBE = `
set -C
for check; do
  path=\${check#* }; x=
  case $check in
    ?r*) { read -r x <"$path"; } 2>/dev/null; [ "$x" = content ] ;;
    *) if [ -e "$path" ]; then true 2>/dev/null >>"$path"; else true 2>/dev/null >"$path" && rm "$path"; fi ;;
  esac && printf + || printf -
done
`

/** Runs all commands of its input, each in sandbox-runtime with its settings; prints what they print. */
const RUN_BY_RUNTIME = `
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
const { SandboxManager } = await import(process.argv[2])
const results = []
for (const { settings, command } of JSON.parse(readFileSync(0, 'utf8'))) {
  await SandboxManager.initialize(settings)
  const { stdout, stderr } = spawnSync('sh', ['-c', await SandboxManager.wrapWithSandbox(command)], { encoding: 'utf8' })
  results.push({ stdout, stderr })
  await SandboxManager.reset()
}
console.log(JSON.stringify(results))
process.exit(0)
`

function plant(dir: string): void {
  for (const file of FILES) {
    mkdirSync(dirname(join(dir, file)), { recursive: true })
    writeFileSync(join(dir, file), 'content')
  }
  symlinkSync('../outside', join(dir, 'p/way-out'))
}

const here = (settings: Settings, dir: string): string => JSON.stringify(settings).replaceAll('$', dir)

/** The settings as a profile, for a caller in DIR/p. */
const profileOf = (settings: Settings, dir: string): Record<string, unknown> => {
  const host = { ...hostOfProgram(), cwd: join(dir, 'p'), variable: () => join(dir, 'home') }
  const fail = (pointer: string, what: string): never => {
    throw new Error(`${pointer}: ${what}`)
  }
  return srtContent(JSON.parse(here(settings, dir)), srtContext(host, fail))
}

/** What each row expects and the words of its probe. `marked`: whether checks behind a star count. */
const rowsIn = (dir: string, marked: boolean) =>
  TABLE.map(([settings, all]) => {
    const checks = all.split(/ (?=\*?[+-])/).filter((check) => marked || !check.startsWith('*'))
    const words = checks.map((check) => check.replace(/^\*/, '').replace(/ (.*)/, ` ${dir}/$1`))
    const expected = checks.map((check) => check.replace('*', '').charAt(0)).join('')
    return { settings, words, expected }
  })

/**
 * As inTemp, in a directory whose parents everybody may list: the box hides the others below /tmp and /var/tmp whole,
 * since they may have sockets.
 */
const inOpenTemp = (body: (dir: string) => void | Promise<void>) => async () => {
  const dir = mkdtempSync('/var/tmp/nsbox-')
  try {
    await body(dir)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const whereIn = (dir: string) => ({ cwd: join(dir, 'p'), env: { ...process.env, HOME: join(dir, 'home') } })

test(
  `${TABLE.length} files of settings give what they say`,
  inOpenTemp(async (dir) => {
    plant(dir)
    for (const { settings, words, expected } of rowsIn(dir, true)) {
      const b = box({ ...(profileOf(settings, dir) as BoxOptions), cwd: '/' })
      const { stdout, stderr } = await b.run(['sh', '-c', PROBE, 'sh', ...words])
      assert.is(stdout, expected, `${here(settings, dir)}: ${words.join(', ')}: ${stderr}`)
    }
  }),
)

test(
  'the option and the function of the library take the settings as they are',
  inOpenTemp(async (dir) => {
    plant(dir)
    const settings = files({ denyRead: ['~/.ssh', '**/*.pem'], allowWrite: ['.'], denyWrite: ['.env'] })
    const checks = ['-r home/.ssh/id', '-r p/secrets/key.pem', '+w p/new', '-w p/.env', '-w p/.git/hooks/new']
    const probe = ['sh', '-c', PROBE, 'sh', ...checks.map((check) => check.replace(' ', ` ${dir}/`))]
    const expected = checks.map((check) => check.charAt(0)).join('')
    const file = join(dir, 'settings.json')
    writeFileSync(file, here(settings, dir))
    const run = (...words: string[]) => execute(NSBOX, [...words, ...probe], whereIn(dir))
    assert.is(run('--srt-settings', file).stdout, expected)
    assert.is(run('--srt-settings', '../settings.json', '--profile', 'read-only').stdout, expected)
    const why = execute(NSBOX, ['why', '--srt-settings', file, 'src'], whereIn(dir)).stdout
    assert.match(why, /write: yes: --write/)
    const program = `import { box, srtSettings } from ${JSON.stringify(join(TOP, 'src/index.ts'))}
      const { stdout } = await box(srtSettings(${here(settings, dir)})).run(${JSON.stringify(probe)})
      process.stdout.write(stdout)`
    assert.is(execute(process.execPath, ['-e', program], whereIn(dir)).stdout, expected)
    writeFileSync(file, here(files({ denyReed: [] }), dir))
    const wrong = run('--srt-settings', file)
    assert.is(wrong.status, 2)
    assert.match(
      wrong.stderr,
      `nsbox: --srt-settings ${file}: /filesystem/denyReed: unknown key\nhint: the nearest is denyRead\n`,
    )
    assert.throws(() => srtSettings(files({}, { sandbox: true })), 'srtSettings: /sandbox: unknown key')
    assert.match(run('--srt-settings', join(dir, 'none.json')).stderr, /none\.json: .*ENOENT/)
  }),
)

const LIBRARY = join(RUNTIME, 'dist/index.js')
const hasTools = ['bwrap', 'socat', 'rg', 'node'].every((name) => Bun.which(name) !== null)
/** It needs an ordinary user, its tools, and the copy that `make bench` installs. */
const peer = !asRoot && hasTools && existsSync(LIBRARY) ? test : test.skip

peer(
  `${TABLE.length} files of settings give the same in sandbox-runtime`,
  inTemp((dir) => {
    plant(dir)
    // Beside the tree, since settings may hide all of that.
    writeFileSync(`${dir}.sh`, PROBE)
    writeFileSync(`${dir}.mjs`, RUN_BY_RUNTIME)
    try {
      const rows = rowsIn(dir, false)
      const input = rows.map(({ settings, words }) => ({
        settings: JSON.parse(here(settings, dir)) as unknown,
        command: ['sh', `${dir}.sh`, ...words.map((word) => `'${word}'`)].join(' '),
      }))
      const all = execute('node', [`${dir}.mjs`, LIBRARY], { ...whereIn(dir), input: JSON.stringify(input) })
      assert.is(all.status, 0, all.stderr)
      const seen = JSON.parse(all.stdout) as { stdout: string; stderr: string }[]
      for (const [n, { settings, words, expected }] of rows.entries())
        assert.is(seen[n]?.stdout, expected, `${here(settings, dir)}: ${words.join(', ')}: ${seen[n]?.stderr}`)
    } finally {
      for (const end of ['sh', 'mjs']) rmSync(`${dir}.${end}`)
    }
  }),
)

test(
  'what cannot be done is an error that names the key',
  inTemp((dir) => {
    plant(dir)
    for (const [settings, said] of REFUSED)
      try {
        assert.unreachable(JSON.stringify(profileOf(settings, dir)))
      } catch (error) {
        assert.ok((error as Error).message.startsWith(said), `${(error as Error).message} / ${said}`)
      }
  }),
)

test(
  'names become hosts with ports, less what is denied',
  inTemp((dir) => {
    plant(dir)
    const hosts = (allowedDomains: string[], deniedDomains: string[] = []) => {
      const { allowHosts, net } = profileOf({ ...files({}), network: { allowedDomains, deniedDomains } }, dir)
      return allowHosts ?? net
    }
    assert.is(hosts([]), 'none')
    assert.equal(hosts(['a.org', '*.b.org:8443', '[2001:db8::1]:443']), [
      'a.org:443',
      'a.org:80',
      '*.b.org:8443',
      '[2001:db8::1]:443',
    ])
    assert.equal(hosts(['a.org', 'b.org'], ['a.org']), ['b.org:443', 'b.org:80'])
    assert.equal(hosts(['a.org', 'x.b.org'], ['*:80', '*.b.org']), ['a.org:443'])
    assert.is(hosts(['a.org'], ['*']), 'none')
    assert.throws(() => hosts(['0x7f.1.a.7']), /^\/network\/allowedDomains\/0: '0x7f\.1\.a\.7:443' ends in a number/)
  }),
)

test.run()
