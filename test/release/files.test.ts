// runs once
/** The files of a release, as `make dist` has made them. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { STATIC_PROGRAMS } from '../../scripts/helpers.ts'
import { inTemp } from '../helpers/nsbox.ts'

const TOP = resolve(import.meta.dir, '../..')
const RELEASE = join(TOP, 'dist/release')
const { version } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8')) as { version: string }
const MACHINES = { x64: 'amd64', arm64: 'arm64' }
const isMade = existsSync(join(RELEASE, 'SHA256SUMS'))
if (!isMade) console.log('skipped: dist/release is not there: make dist makes it')
const inRelease = isMade ? test : test.skip
const hasLintian = Bun.which('lintian') !== null
if (isMade && !hasLintian) console.log('skipped: lintian is not installed')
const inLintian = isMade && hasLintian ? test : test.skip

function output(program: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', cwd: RELEASE, maxBuffer: 1 << 24 })
  assert.is(status, 0, `${program}: ${stderr}${stdout}`)
  return stdout
}

/** The files that README's links lead to. */
function documents(): string[] {
  return ['docs', 'examples'].flatMap((top) =>
    readdirSync(join(TOP, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'nsbox.1' && !entry.parentPath.endsWith('/completions'))
      .map((entry) => relative(TOP, join(entry.parentPath, entry.name))),
  )
}

inRelease('every file is there, and SHA256SUMS has its digest', () => {
  const expected = [
    'SHA256SUMS',
    'install.sh',
    `nsbox-${version}.tgz`,
    `nsbox-${version}.cdx.json`,
    ...Object.entries(MACHINES).flatMap(([machine, architecture]) => [
      `nsbox-${version}-linux-${machine}.tar.gz`,
      `nsbox-${version}-linux-${machine}.tar.xz`,
      `nsbox-static-${version}-linux-${machine}.tar.gz`,
      `nsbox_${version}_${architecture}.deb`,
    ]),
  ]
  assert.equal(readdirSync(RELEASE).sort(), expected.sort())
  const checked = output('sha256sum', '-c', 'SHA256SUMS').trimEnd().split('\n')
  assert.is(checked.length, expected.length - 1)
})

for (const [machine, architecture] of Object.entries(MACHINES)) {
  inRelease(`the archive for ${machine} has the program and its documents, all of root, at one time`, () => {
    const name = `nsbox-${version}-linux-${machine}`
    const lines = output('tar', '-tvzf', `${name}.tar.gz`, '--numeric-owner').trimEnd().split('\n')
    assert.is(new Set(lines.map((line) => line.split(/\s+/).slice(3, 5).join(' '))).size, 1)
    for (const line of lines) assert.match(line, /^[-d]rw[-x]r-[-x]r-[-x] 0\/0 /)
    const files = lines.filter((line) => !line.endsWith('/')).map((line) => line.split(`${name}/`)[1])
    assert.equal(
      files.sort(),
      [
        'LICENSE',
        'THIRD-PARTY.txt',
        'apparmor/nsbox',
        'completions/_nsbox',
        'completions/nsbox.bash',
        'completions/nsbox.fish',
        'nsbox',
        'nsbox.1',
        ...readdirSync(TOP).filter((name) => name.endsWith('.md')),
        ...documents(),
      ].sort(),
    )
  })

  inRelease(
    `the static programs for ${machine} are all there, with their notices, and need no other file`,
    inTemp((dir) => {
      const name = `nsbox-static-${version}-linux-${machine}`
      output('tar', '-xzf', `${name}.tar.gz`, '-C', dir)
      assert.equal(readdirSync(join(dir, name)).sort(), ['LICENSE', 'THIRD-PARTY.txt', ...STATIC_PROGRAMS].sort())
      for (const program of STATIC_PROGRAMS)
        assert.not.match(output('readelf', '-lW', join(dir, name, program)), 'INTERP', program)
    }),
  )

  inRelease(`the Debian package for ${architecture} says what it is, and its files are root's`, () => {
    const file = `nsbox_${version}_${architecture}.deb`
    assert.is(output('dpkg-deb', '-f', file, 'Architecture').trim(), architecture)
    assert.match(output('dpkg-deb', '-c', file), /-rwxr-xr-x root\/root +\d+ \S+ \S+ \.\/usr\/bin\/nsbox\n/)
  })

  inLintian(`lintian has no objection to the Debian package for ${architecture}`, () => {
    const file = `nsbox_${version}_${architecture}.deb`
    assert.is(output('lintian', '--allow-root', '--fail-on', 'error,warning', file), '')
  })
}

inRelease('the list of components has all that is linked or carried, with versions', () => {
  const { bomFormat, components } = JSON.parse(readFileSync(join(RELEASE, `nsbox-${version}.cdx.json`), 'utf8')) as {
    bomFormat: string
    components: { name: string; version: string }[]
  }
  assert.is(bomFormat, 'CycloneDX')
  const names = components.map(({ name }) => name)
  for (const name of [
    ...STATIC_PROGRAMS,
    '@oven/bun-linux-x64',
    '@oven/bun-linux-aarch64',
    'cac',
    'musl-dev',
    'libarchive-dev',
    'libzstd-dev',
  ])
    assert.ok(names.includes(name), name)
  for (const component of components) assert.match(component.version, /\d/, component.name)
})

test.run()
