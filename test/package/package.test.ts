/** The packed package, installed into an empty project and used from there. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BUNDLED } from '../../scripts/bundled.ts'
import { STATIC_PROGRAMS } from '../../scripts/helpers.ts'
import { TOP } from '../helpers/documents.ts'
import { execute, NSBOX } from '../helpers/nsbox.ts'
import { done, link, project, RUNTIMES, TARBALL, VERSION, WITHOUT_ARM64 } from '../helpers/package.ts'

const { path: dir, remove } = project()
test.after(remove)

test('the package has these files and no others', () => {
  const files = execute('tar', ['tzf', TARBALL])
    .stdout.trim()
    .split('\n')
    .map((name) => name.replace(/^package\//, ''))
    .sort()
  const machines = WITHOUT_ARM64 === undefined ? ['arm64', 'x64'] : ['x64']
  const shipped = ['docs', 'examples'].flatMap((folder) =>
    execute('find', [folder, '-type', 'f'], { cwd: TOP }).stdout.trim().split('\n'),
  )
  const expected = [
    ...['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'README.zh.md'],
    ...shipped,
    'dist/package/THIRD-PARTY.txt',
    'dist/package/cli.js',
    'dist/package/errors.d.ts',
    'dist/package/explain/denied-types.d.ts',
    'dist/package/explain/hints.d.ts',
    'dist/package/host/types.d.ts',
    'dist/package/image/image.d.ts',
    'dist/package/image/map.d.ts',
    'dist/package/index.d.ts',
    'dist/package/index.js',
    'dist/package/library/box-options.d.ts',
    'dist/package/library/box.d.ts',
    'dist/package/library/commands.d.ts',
    'dist/package/library/image.d.ts',
    'dist/package/library/live.d.ts',
    'dist/package/library/network-events.d.ts',
    'dist/package/library/report.d.ts',
    'dist/package/library/review.d.ts',
    'dist/package/library/srt-settings.d.ts',
    'dist/package/options/types.d.ts',
    'dist/package/review/types.d.ts',
    'dist/package/plan/constants.d.ts',
    'dist/package/plan/field.d.ts',
    'dist/package/plan/schema.d.ts',
    'dist/package/plan/steps.d.ts',
    'dist/package/plan/types.d.ts',
    'dist/package/plan/variants.d.ts',
    'dist/package/program-files.bun.js',
    'dist/package/program-files.js',
    ...STATIC_PROGRAMS.flatMap((name) => machines.map((machine) => `dist/package/sidecar/${name}-${machine}`)),
    'package.json',
  ]
  assert.equal(files, expected.sort())
})

test('the notices and the list of parts name each package whose code is in the programs', () => {
  const notices = readFileSync(join(dir, 'node_modules/nsbox/dist/package/THIRD-PARTY.txt'), 'utf8')
  const program = readFileSync(join(dir, 'node_modules/nsbox/dist/package/cli.js'), 'utf8')
  const { stdout, stderr } = execute(process.execPath, ['scripts/release/sbom.ts'], { cwd: TOP })
  assert.is(stderr, '')
  const parts = (JSON.parse(stdout) as { components: { name: string }[] }).components.map(({ name }) => name)
  for (const name of BUNDLED) {
    assert.match(notices, new RegExp(`^=+\n${name} \\(\\d[0-9.]*\\)$`, 'm'))
    assert.ok(parts.includes(name), name)
    assert.ok(program.includes(` * Contains ${name}, `), name)
  }
})

test('it installs without a network, needs no other package and runs nothing when it is installed', () => {
  assert.equal(
    readdirSync(join(dir, 'node_modules')).filter((name) => !name.startsWith('.')),
    ['nsbox'],
  )
  const manifest = JSON.parse(readFileSync(join(dir, 'node_modules/nsbox/package.json'), 'utf8'))
  assert.is(manifest.version, VERSION)
  assert.is(manifest.dependencies, undefined)
  assert.equal(manifest.os, ['linux'])
  for (const script of ['preinstall', 'install', 'postinstall']) assert.is(manifest.scripts[script], undefined, script)
})

const SCRIPT = `
import { box, SandboxError, UsageError } from 'nsbox'
import schema from 'nsbox/plan.schema.json' with { type: 'json' }
const b = box({ tmpfs: '/tmp', net: 'none', hostname: 'boxed', cwd: '/' })
const { usage, limits, hints, ...result } = await b.run(['sh', '-c', 'hostname; ls /tmp | wc -l; cat; echo oops >&2; exit 3'], { input: 'from outside\\n' })
const failed = await b.run(['/nowhere']).catch((error) => error)
let refused
try { box({ tmpf: '/tmp' }) } catch (error) { refused = error }
console.log(JSON.stringify({
  result, usage: usage.wall > 0, explained: [typeof limits, hints], hostname: b.plan(['true']).hostname, says: b.explain(['true']).includes('host name'), schema: schema.properties.hostname.type,
  failed: failed instanceof SandboxError && failed.code, refused: refused instanceof UsageError && refused.message,
}))
`

for (const { name, program } of RUNTIMES) {
  test(`a script that imports it runs commands in boxes under ${name}`, () => {
    writeFileSync(join(dir, 'script.mjs'), SCRIPT)
    assert.equal(JSON.parse(done(execute(program, [join(dir, 'script.mjs')], { cwd: dir })).stdout), {
      result: { exitCode: 3, stdout: 'boxed\n0\nfrom outside\n', stderr: 'oops\n', timedOut: false },
      usage: true,
      explained: ['string', []],
      hostname: 'boxed',
      says: true,
      schema: 'string',
      failed: 'ENOENT',
      refused: 'unknown option tmpf',
    })
  })
}

const USER = `
import { spawn, type ChildProcess } from 'node:child_process'
import { box, SandboxError, type Box, type BoxOptions, type Closed, type LiveBox, type MountRequest, type Plan, type RunResult } from 'nsbox'

const options: BoxOptions = { root: './r', tmpfs: ['/tmp', '/run:size=1m'], net: 'none', ro: true, overlay: undefined, user: 1000, env: { A: '1' }, proc: true }
const mounts: MountRequest[] = [{ type: 'bind', source: '.', target: '/src', readonly: true }]
const b: Box = box({ ...options, mounts, capDrop: ['all'] }).with({ timeout: '10s' })
const plan: Plan = b.plan(['true'])
const host: string | undefined = plan.hostname
const result: RunResult = await b.run(['make', '-j2'], { input: 'x', timeout: 1000, signal: AbortSignal.timeout(1000) })
const code: number = result.exitCode, out: string = result.stdout, wall: number | undefined = result.usage?.wall
const child: ChildProcess = b.spawn('ls', ['-l'], { stdio: 'pipe', shell: true })
const same: typeof spawn = b.spawn as typeof spawn
const text: string = String(b.spawnSync('ls').stdout)
const step = (error: unknown): string | undefined => (error instanceof SandboxError ? error.step + error.hint : undefined)
await using live: LiveBox = await b.open({ signal: AbortSignal.timeout(1000) })
const ended: Closed = await live.closed
const pid: number = live.pid, inside: string = (await live.run(['true'])).stdout, entered: ChildProcess = live.spawn('ls')
export { ended, pid, inside, entered, host, code, out, wall, child, same, text, step }

// @ts-expect-error: no such option
box({ tmpf: '/tmp' })
// @ts-expect-error: a flag has no text
box({ ro: 'yes' })
// @ts-expect-error: an option with a value is no flag
box({ root: true })
// @ts-expect-error: a time has a unit
box({ timeout: 1000 })
// @ts-expect-error: one of two words
box({ net: 'nowhere' })
// @ts-expect-error: no such kind of mount
box({ mounts: [{ type: 'bin', source: '/' }] })
// @ts-expect-error: a tmpfs needs its place
box({ mounts: [{ type: 'tmpfs' }] })
// @ts-expect-error: no such option of run
await b.run(['true'], { timeOut: 1 })
// @ts-expect-error: an array
await b.run('true')
// @ts-expect-error: results can't be changed into something else
const wrong: string = result.exitCode
`

const COMPILERS = ['typescript', 'typescript-7']
const RESOLUTIONS = [
  ['--module', 'nodenext'],
  ['--module', 'esnext', '--moduleResolution', 'bundler'],
]

for (const compiler of COMPILERS) {
  test(`with Node's types beside it, ${compiler} compiles a program without any setting, and refuses unknown options`, () => {
    for (const name of [compiler, '@types/node', 'undici-types'])
      if (!existsSync(join(dir, 'node_modules', name))) link(dir, name)
    writeFileSync(join(dir, 'user.ts'), USER)
    const tsc = join('node_modules', compiler, 'bin/tsc')
    for (const resolution of RESOLUTIONS) {
      const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', ...resolution]
      const { status, stdout } = execute(
        process.env.NODE ?? 'node',
        [tsc, ...flags, '--skipLibCheck', 'false', 'user.ts'],
        {
          cwd: dir,
        },
      )
      assert.is(status, 0, `${resolution.join(' ')}\n${stdout}`)
    }
  })
}

test('every file that its documents name is in it', () => {
  const top = join(dir, 'node_modules/nsbox')
  const documents = execute('find', [top, '-name', '*.md']).stdout.trim().split('\n')
  assert.ok(documents.length > 5, documents.join('\n'))
  for (const document of documents)
    for (const [, target = ''] of readFileSync(document, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
      if (!/^[a-z]+:/.test(target)) assert.ok(existsSync(join(dirname(document), target)), `${document}: ${target}`)
})

test('the manifest says where the package comes from, and names its manual', () => {
  const manifest = JSON.parse(readFileSync(join(dir, 'node_modules/nsbox/package.json'), 'utf8'))
  for (const url of [manifest.homepage, manifest.repository.url, manifest.bugs.url])
    assert.match(url, /^(git\+)?https:/)
  assert.match(readFileSync(join(dir, 'node_modules/nsbox', manifest.man), 'utf8'), '.TH')
})

const arm64 = WITHOUT_ARM64 === undefined && Bun.which('qemu-aarch64-static') !== null ? test : test.skip
if (WITHOUT_ARM64 !== undefined) console.log(`skipped: no sidecar for arm64: ${WITHOUT_ARM64}`)
arm64('the sidecar for arm64 is a static program for it that judges plans as the one of this machine does', () => {
  const file = join(dir, 'node_modules/nsbox/dist/package/sidecar/nsbox-sidecar-arm64')
  const env = { ...process.env, LC_ALL: 'C' }
  assert.match(execute('readelf', ['-h', file], { env }).stdout, /Machine: +AArch64/)
  assert.not.match(execute('readelf', ['-lW', file], { env }).stdout, 'INTERP')
  const check = (plan: string) => execute('qemu-aarch64-static', [file, '--plan-fd', '0', '--check'], { input: plan })
  const plan = done(execute(NSBOX, ['plan', '--tmpfs', '/tmp', '--net', 'none', 'true'])).stdout
  assert.equal(check(plan), { status: 0, signal: null, stdout: '', stderr: '' })
  const { status, stderr } = check(plan.replace('"contract": 2', '"contract": 99'))
  assert.is(status, 125)
  assert.match(stderr, /read plan: .*: \/contract/)
})
test.run()
