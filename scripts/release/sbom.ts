/**
 * Prints what is inside of a release, as a CycloneDX document: `sbom.ts PACKAGE...`, the Debian packages whose code is
 * linked into the static programs. The programs are those of scripts/helpers.txt, and the rest comes from the lock
 * file. SOURCE_DATE_EPOCH is the time of the document.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { BUNDLED } from '../bundled.ts'
import { STATIC_PROGRAMS } from '../helpers.ts'

type Locked = { version: string; integrity: string; license?: string; dev?: boolean }
type Component = {
  type: 'application' | 'library' | 'framework'
  'bom-ref': string
  name: string
  version: string
  purl?: string
  licenses?: { license: { id: string } }[]
  hashes?: { alg: 'SHA-256' | 'SHA-512'; content: string }[]
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, Locked> }
const own = JSON.parse(readFileSync('package.json', 'utf8')) as { name: string; version: string; license: string }

/** A package of npm that is in our programs. */
function fromNpm(name: string, type: Component['type']): Component {
  const locked = lock.packages[`node_modules/${name}`]
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`)
  const [algorithm, digest = ''] = locked.integrity.split('-')
  if (algorithm !== 'sha512') throw new Error(`${name}: the digest in package-lock.json is not SHA-512`)
  const purl = `pkg:npm/${name.replace('@', '%40')}@${locked.version}`
  return {
    type,
    'bom-ref': purl,
    name,
    version: locked.version,
    purl,
    ...(locked.license !== undefined && { licenses: [{ license: { id: locked.license } }] }),
    hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }],
  }
}

/** A package of Debian with a static library. */
function fromDebian(name: string): Component {
  const { stdout, status } = spawnSync('dpkg-query', ['-W', '-f', '${Version} ${Architecture}', name], {
    encoding: 'utf8',
  })
  const [version = '', architecture = ''] = stdout.split(' ')
  if (status !== 0 || version === '') throw new Error(`the package ${name} is not installed`)
  const purl = `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`
  return { type: 'library', 'bom-ref': purl, name, version, purl }
}

/** A program that was built here. */
function built(name: string, machine: string, directory: string): Component {
  const digest = createHash('sha256')
    .update(readFileSync(`${directory}/${name}`))
    .digest('hex')
  return {
    type: 'application',
    'bom-ref': `${name}-linux-${machine}`,
    name,
    version: own.version,
    licenses: [{ license: { id: own.license } }],
    hashes: [{ alg: 'SHA-256', content: digest }],
  }
}

const packages = process.argv.slice(2)
const components = [
  ...STATIC_PROGRAMS.flatMap((name) => [built(name, 'x64', 'dist'), built(name, 'arm64', 'dist/arm64')]),
  fromNpm('@oven/bun-linux-x64', 'framework'),
  fromNpm('@oven/bun-linux-aarch64', 'framework'),
  ...BUNDLED.map((name) => fromNpm(name, 'library')),
  ...packages.map(fromDebian),
]
const purl = `pkg:npm/${own.name}@${own.version}`
const document = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  version: 1,
  metadata: {
    timestamp: new Date(Number(process.env.SOURCE_DATE_EPOCH ?? 0) * 1000).toISOString(),
    component: {
      type: 'application',
      'bom-ref': purl,
      name: own.name,
      version: own.version,
      purl,
      licenses: [{ license: { id: own.license } }],
    },
  },
  components,
  dependencies: [
    { ref: purl, dependsOn: components.map((component) => component['bom-ref']) },
    ...components.map((component) => ({ ref: component['bom-ref'], dependsOn: [] })),
  ],
}
console.log(JSON.stringify(document, null, 2))
