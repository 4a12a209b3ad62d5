/**
 * Builds the npm package's files in dist/package: the library and the command line as JavaScript for Node and Bun, the
 * types, and the sidecars that were built. Each program is one file, so that nothing has to be installed beside it.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { BUNDLED } from './bundled.ts'
import { STATIC_PROGRAMS } from './helpers.ts'

const TOP = resolve(import.meta.dir, '..')
const OUT = join(TOP, 'dist/package')

/**
 * The package has its sidecar as a file, and Node can't become another program: the condition chooses what
 * package.json, imports, has for it.
 */
async function bundle(entry: string, name: string, banner: string): Promise<void> {
  const built = await Bun.build({
    entrypoints: [join(TOP, entry)],
    target: 'node',
    format: 'esm',
    conditions: ['package'],
    banner,
    plugins: [{ name: 'program files', setup: leaveProgramFiles }],
    minify: { syntax: true, whitespace: false, identifiers: false },
    outdir: OUT,
    naming: name,
    metafile: true,
  })
  if (!built.success) throw new Error(built.logs.join('\n'))
  for (const found of packagesIn(Object.keys(built.metafile?.inputs ?? {})))
    if (!(BUNDLED as readonly string[]).includes(found)) throw new Error(`scripts/bundled.ts lacks ${found}`)
  // Bundlers that make CommonJS of it leave `import.meta` empty.
  const text = readFileSync(join(OUT, name), 'utf8')
  const parts = text.split('createRequire(import.meta.url)')
  if (parts.length > 2) throw new Error(`${name}: more than one createRequire`)
  writeFileSync(join(OUT, name), parts.join('createRequire(import.meta.url || __filename)'))
}

/** src/launch/program-files.ts is for checkouts. The package's own are chosen by package.json, imports, when it is used. */
function leaveProgramFiles({ onResolve }: Bun.PluginBuilder): void {
  onResolve({ filter: /\/program-files\.ts$/ }, () => ({ path: '#program-files', external: true }))
}

/** Their licenses require the notice in every copy of the code. */
function noticesOf(names: readonly string[]): string {
  const notices = names.map((name) => {
    const directory = join(TOP, 'node_modules', name)
    const file = readdirSync(directory).find((entry) => /^LICENSE/.test(entry))
    if (file === undefined) throw new Error(`${name} has no file with its license`)
    const text = readFileSync(join(directory, file), 'utf8').replaceAll('\r', '').trim()
    return ` * Contains ${name}, from the npm registry.\n *\n${text.replace(/^/gm, ' * ').replace(/ +$/gm, '')}\n`
  })
  return `/*\n${notices.join(' *\n')} */`
}

/** The packages whose code FILES of a bundle come from. */
function packagesIn(files: readonly string[]): Set<string> {
  return new Set(files.flatMap((file) => /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []))
}

/** Writes the declarations of the library, and of the files that they import. */
function declarations(): Map<string, string> {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(TOP, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    TOP,
  )
  const entry = join(TOP, 'src/index.ts')
  const declarations = new Map<string, string>()
  const program = ts.createProgram(
    [entry, join(TOP, 'src/launch/assets.d.ts'), join(TOP, 'src/explain/html/texts.d.ts')],
    {
      ...options,
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: join(TOP, 'src'),
      outDir: OUT,
    },
  )
  const { diagnostics } = program.emit(
    undefined,
    (file, text) => declarations.set(relative(OUT, file), text),
    undefined,
    true,
  )
  const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (problems.length > 0)
    throw new Error(
      ts.formatDiagnostics(problems, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => TOP,
        getNewLine: () => '\n',
      }),
    )
  const kept = new Map<string, string>()
  const keep = (name: string) => {
    const text = declarations.get(name)
    if (text === undefined || kept.has(name)) return
    kept.set(name, text.replace(/(from '\.[^']*)\.ts'/g, "$1.js'"))
    for (const [, path = ''] of text.matchAll(/(?:from |import\()['"](\.[^'"]*)\.ts['"]/g))
      keep(join(dirname(name), `${path}.d.ts`))
  }
  keep('index.d.ts')
  return kept
}

/**
 * Directories of the static programs by Node's name for the machine. What could not be built here is left out, and
 * `make package` then fails.
 */
const MACHINES = { x64: 'dist', arm64: 'dist/arm64' }

rmSync(OUT, { recursive: true, force: true })
mkdirSync(join(OUT, 'sidecar'), { recursive: true })
await bundle('src/index.ts', 'index.js', noticesOf(BUNDLED.filter((name) => name !== 'cac')))
await bundle('src/main.ts', 'cli.js', `#!/usr/bin/env node\n${noticesOf(BUNDLED)}`)
chmodSync(join(OUT, 'cli.js'), 0o755)
for (const [name, text] of declarations()) {
  mkdirSync(dirname(join(OUT, name)), { recursive: true })
  writeFileSync(join(OUT, name), text)
}
const files: string[] = []
for (const [machine, directory] of Object.entries(MACHINES))
  for (const program of STATIC_PROGRAMS) {
    const path = join(TOP, directory, program)
    if (!existsSync(path)) continue
    copyFileSync(path, join(OUT, `sidecar/${program}-${machine}`))
    chmodSync(join(OUT, `sidecar/${program}-${machine}`), 0o755)
    files.push(`${program}-${machine}`)
  }

/**
 * The paths are literals, since bundlers look for those: `new URL(..., import.meta.url)` is known to most of them, and
 * Bun's knows imports of type "file". A function each, since the first throws in a bundle for CommonJS.
 */
writeFileSync(
  join(OUT, 'program-files.js'),
  `import { fileURLToPath } from 'node:url'
const files = {
${files.map((name) => `  '${name}': () => new URL('./sidecar/${name}', import.meta.url),`).join('\n')}
}
export const programFile = (program, machine) => {
  try {
    return fileURLToPath(files[\`\${program}-\${machine}\`]())
  } catch {
    return undefined
  }
}
const url = import.meta.url
export const codeFile = url ? fileURLToPath(url) : typeof __filename === 'string' ? __filename : undefined
`,
)
writeFileSync(
  join(OUT, 'program-files.bun.js'),
  `import { fileURLToPath } from 'node:url'
${files.map((name, i) => `import file${i} from './sidecar/${name}' with { type: 'file' }`).join('\n')}
const files = { ${files.map((name, i) => `'${name}': file${i}`).join(', ')} }
export const codeFile = fileURLToPath(import.meta.url)
export const programFile = (program, machine) => {
  const file = files[\`\${program}-\${machine}\`]
  return file === undefined || file.startsWith('/') ? file : fileURLToPath(new URL(file, import.meta.url))
}
`,
)
