/** Programs that use the library, bundled into one file: they find the sidecar, or say how they would. */
// seconds: 120
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, type Ran } from '../helpers/nsbox.ts'
import { done, project } from '../helpers/package.ts'

const { path: dir, remove } = project()
test.after(remove)

const NODE = process.env.NODE ?? 'node'
const BUN = process.execPath
const ESBUILD = resolve(import.meta.dir, '../../node_modules/esbuild/bin/esbuild')

/** Without await at its top, which CommonJS doesn't have. */
writeFileSync(
  join(dir, 'program.mjs'),
  `import { box } from 'nsbox'
const b = box({ tmpfs: '/mnt', cwd: '/' })
async function main() {
  const { stdout } = await b.run(['echo', 'run'])
  const live = await b.open()
  const inside = await live.run(['echo', 'live'])
  await live.close()
  console.log([stdout, inside.stdout, b.spawnSync('echo', ['sync']).stdout.toString()].join('').replaceAll('\\n', ' '))
}
main().catch((error) => {
  console.error(String(error))
  process.exitCode = 1
})
`,
)
const WORKS = { status: 0, signal: null, stdout: 'run live sync \n', stderr: '' }

type Bundle = { name: string; program: (file: string) => string[]; file: string; make: string[] }
const BUNDLES: Bundle[] = [
  {
    name: 'esbuild, modules',
    file: 'out.mjs',
    make: [ESBUILD, '--bundle', '--platform=node', '--format=esm', '--log-level=error', '--outfile=OUT', 'program.mjs'],
    program: (file) => [NODE, file],
  },
  {
    name: 'esbuild, CommonJS',
    file: 'out.cjs',
    make: [ESBUILD, '--bundle', '--platform=node', '--format=cjs', '--log-level=error', '--outfile=OUT', 'program.mjs'],
    program: (file) => [NODE, file],
  },
  {
    name: 'bun build for Node',
    file: 'out.mjs',
    make: [BUN, 'build', '--target=node', '--outfile=OUT', 'program.mjs'],
    program: (file) => [NODE, file],
  },
]

const bundled = ({ make, file }: Bundle, folder: string): string => {
  const out = join(dir, folder, file)
  done(
    execute(
      make[0] ?? '',
      make.slice(1).map((word) => word.replace('OUT', out)),
      { cwd: dir },
    ),
  )
  return out
}
const run = ([program = '', ...args]: string[]): Ran => execute(program, args, { cwd: '/' })

/** Without the installed package, as on another machine. */
function withoutPackage<T>(action: () => T): T {
  const [there, away] = [join(dir, 'node_modules/nsbox'), join(dir, 'away')]
  renameSync(there, away)
  try {
    return action()
  } finally {
    renameSync(away, there)
  }
}

BUNDLES.forEach((bundle, i) => {
  const { name, program } = bundle
  test(`${name}: it uses the installed package, else the files beside it, else it says what to copy`, () => {
    const folder = `bundle${i}`
    const file = bundled(bundle, folder)
    assert.equal(run(program(file)), WORKS)
    withoutPackage(() => {
      const { status, stderr } = run(program(file))
      assert.is(status, 1)
      assert.match(
        stderr,
        `SandboxError: start: this program was bundled without nsbox-sidecar for linux ${process.arch}: ${file}`,
      )
      assert.match(stderr, `hint: copy node_modules/nsbox/dist/package/sidecar to ${join(dir, folder)}, or`)
      cpSync(join(dir, 'away/dist/package/sidecar'), join(dir, folder, 'sidecar'), { recursive: true })
      assert.equal(run(program(file)), WORKS)
      // As bundlers copy files.
      for (const copy of readdirSync(join(dir, folder, 'sidecar'))) chmodSync(join(dir, folder, 'sidecar', copy), 0o444)
      assert.equal(run(program(file)), WORKS)
    })
  })

  test(`${name}: a package of another version, or of a stranger, is not used`, () => {
    const file = bundled(bundle, `other${i}`)
    withoutPackage(() => {
      const place = join(dir, `other${i}/node_modules/nsbox`)
      cpSync(join(dir, 'away'), place, { recursive: true })
      assert.equal(run(program(file)), WORKS)
      if (process.getuid?.() === 0) {
        done(execute('chown', ['-R', '1234', place]))
        assert.match(run(program(file)).stderr, 'was bundled without')
        done(execute('chown', ['-R', '0', place]))
      }
      writeFileSync(join(place, 'package.json'), '{ "name": "nsbox", "version": "0.0.0" }')
      assert.match(run(program(file)).stderr, 'was bundled without')
    })
  })
})

test('bun build: the files come with the bundle', () => {
  done(execute(BUN, ['build', '--target=bun', `--outdir=${join(dir, 'bun')}`, 'program.mjs'], { cwd: dir }))
  withoutPackage(() => assert.equal(run([BUN, join(dir, 'bun/program.js')]), WORKS))
})

test('bun build --compile: the program carries them, wherever it lies', () => {
  done(execute(BUN, ['build', '--compile', `--outfile=${join(dir, 'compiled')}`, 'program.mjs'], { cwd: dir }))
  mkdirSync(join(dir, 'elsewhere'))
  renameSync(join(dir, 'compiled'), join(dir, 'elsewhere/compiled'))
  withoutPackage(() => assert.equal(run([join(dir, 'elsewhere/compiled')]), WORKS))
})

test('a compiled program unpacks images as well', () => {
  writeFileSync(
    join(dir, 'image.mjs'),
    `import { box, image } from 'nsbox'
const pulled = await image(process.argv[2]).pull()
console.log((await box({ image: process.argv[2] }).run(['/file'])).stdout, pulled !== undefined)`,
  )
  mkdirSync(join(dir, 'files/bin'), { recursive: true })
  cpSync('/bin/busybox', join(dir, 'files/bin/busybox'))
  writeFileSync(join(dir, 'files/file'), '#!/bin/busybox sh\nbusybox echo from the image\n')
  chmodSync(join(dir, 'files/file'), 0o755)
  done(execute('tar', ['-C', join(dir, 'files'), '-cf', join(dir, 'image.tar'), '.']))
  done(execute(BUN, ['build', '--compile', `--outfile=${join(dir, 'unpacks')}`, 'image.mjs'], { cwd: dir }))
  const env = { ...process.env, XDG_CACHE_HOME: join(dir, 'cache') }
  const { status, stdout, stderr } = withoutPackage(() =>
    execute(join(dir, 'unpacks'), ['./image.tar'], { cwd: dir, env }),
  )
  assert.equal([status, stdout], [0, 'from the image\n true\n'], stderr)
  assert.is(execute('rm', ['-rf', join(dir, 'cache')]).status, 0)
})

test.run()
