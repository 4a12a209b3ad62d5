/**
 * Checks names: what a file of src/ exports is used by another file; no two functions in a folder have one name; files
 * that comments and documents name are there. `make lint` runs it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import ts from 'typescript'
import { OBJECTS, VARIANTS } from '../src/plan/schema.ts'

const TOP = join(import.meta.dir, '..')
const EVERYTHING = '*'
/** Their exports are for others: the library's users, and `make`. */
const FACES = ['src/index.ts', 'src/main.ts']

const below = (folder: string, endings: RegExp): string[] =>
  (readdirSync(join(TOP, folder), { recursive: true }) as string[])
    .filter((name) => endings.test(name))
    .map((name) => `${folder}/${name}`)
    .sort()

const textOf = (path: string): string => readFileSync(join(TOP, path), 'utf8')

type Source = { path: string; tree: ts.SourceFile }

const sources: Source[] = ['src', 'scripts', 'test']
  .flatMap((folder) => below(folder, /\.ts$/))
  .map((path) => ({ path, tree: ts.createSourceFile(path, textOf(path), ts.ScriptTarget.Latest, true) }))

const IMPORTS: Record<string, Record<string, string>> = JSON.parse(textOf('package.json')).imports

/** The files that an import of PATH may find. */
function targetsOf(from: string, path: string): string[] {
  if (path.startsWith('#')) return Object.values(IMPORTS[path] ?? {}).map(normalize)
  return path.startsWith('.') ? [normalize(join(dirname(from), path))] : []
}

function usedExports(): Set<string> {
  const used = new Set<string>()
  for (const { path, tree } of sources) {
    const use = (module: ts.Expression | ts.TypeNode | undefined, names: readonly string[]): void => {
      const literal = module !== undefined && ts.isLiteralTypeNode(module) ? module.literal : module
      if (literal === undefined || !ts.isStringLiteralLike(literal)) return
      for (const target of targetsOf(path, literal.text)) for (const name of names) used.add(`${target} ${name}`)
    }
    const visit = (node: ts.Node): void => {
      if (ts.isImportDeclaration(node)) {
        const bindings = node.importClause?.namedBindings
        const named =
          bindings !== undefined && ts.isNamedImports(bindings)
            ? bindings.elements.map(({ propertyName, name }) => (propertyName ?? name).text)
            : []
        use(node.moduleSpecifier, [
          ...named,
          ...(bindings !== undefined && ts.isNamespaceImport(bindings) ? [EVERYTHING] : []),
          ...(node.importClause?.name ? ['default'] : []),
        ])
      } else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
        const clause = node.exportClause
        use(
          node.moduleSpecifier,
          clause !== undefined && ts.isNamedExports(clause)
            ? clause.elements.map(({ propertyName, name }) => (propertyName ?? name).text)
            : [EVERYTHING],
        )
      } else if (ts.isImportTypeNode(node)) {
        // `require(X) as typeof import(X)` may use all exports of X.
        use(node.argument, [
          node.qualifier === undefined ? EVERYTHING : (node.qualifier.getText().split('.')[0] as string),
        ])
      } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
        use(node.arguments[0], [EVERYTHING])
      }
      ts.forEachChild(node, visit)
    }
    visit(tree)
  }
  return used
}

function exportsOf({ tree }: Source): string[] {
  return tree.statements.flatMap((statement): string[] => {
    if (ts.isExportDeclaration(statement)) {
      return statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause)
        ? statement.exportClause.elements.map(({ name }) => name.text)
        : []
    }
    if (
      !ts.canHaveModifiers(statement) ||
      !ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
    )
      return []
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText())
    // A check by the compiler: `type Name = Never<...>`.
    if (ts.isTypeAliasDeclaration(statement) && statement.type.getText().startsWith('Never<')) return []
    const { name } = statement as ts.Statement & { name?: ts.Identifier }
    return name === undefined ? [] : [name.text]
  })
}

function unusedExports(): string[] {
  const used = usedExports()
  return sources
    .filter(({ path }) => path.startsWith('src/') && !FACES.includes(path) && !path.endsWith('.d.ts'))
    .flatMap((source) => {
      if (used.has(`${source.path} ${EVERYTHING}`)) return []
      return exportsOf(source)
        .filter((name) => !used.has(`${source.path} ${name}`))
        .map((name) => `${source.path}: exports ${name}, which no other file uses`)
    })
}

/** Functions at the top of a file, by name. */
function functionsOf({ tree }: Source): string[] {
  return tree.statements.flatMap((statement): string[] => {
    if (ts.isFunctionDeclaration(statement))
      return statement.name === undefined || statement.body === undefined ? [] : [statement.name.text]
    if (!ts.isVariableStatement(statement)) return []
    return statement.declarationList.declarations
      .filter(({ initializer }) => initializer !== undefined && ts.isArrowFunction(initializer))
      .map(({ name }) => name.getText())
  })
}

/** Files of which a condition chooses one have the same functions. */
const areAlternatives = (paths: readonly string[]): boolean =>
  Object.values(IMPORTS).some((files) => paths.every((path) => Object.values(files).map(normalize).includes(path)))

/**
 * `static` functions of C as well: a definition stands at the start of a line, and its body opens on a line of its own
 * or at the end.
 */
const C_FUNCTION =
  /^(?:static |_Noreturn |inline |const |unsigned |struct |enum )*[a-z_][\w ]*?[ *]+([a-z_]\w*)\([^;{}]*\)\s*\{/gm

function sharedNames(): string[] {
  const where = new Map<string, string[]>()
  const add = (path: string, name: string): void => {
    const key = `${dirname(path)}/ ${name}`
    where.set(key, [...new Set([...(where.get(key) ?? []), path])])
  }
  for (const source of sources.filter(({ path }) => path.startsWith('src/')))
    for (const name of functionsOf(source)) add(source.path, name)
  for (const path of below('sidecar', /\.c$/))
    for (const [, name = ''] of textOf(path).matchAll(C_FUNCTION)) add(path, name)
  return [...where]
    .filter(([, paths]) => paths.length > 1 && !areAlternatives(paths))
    .map(([key, paths]) => `${key.split(' ')[1]}: names functions of ${paths.join(' and ')}`)
}

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/SECURITY.md',
  'docs/how-it-works.md',
  'docs/options.md',
  'src/launch/native/README.md',
  'test/fixtures/README.md',
  'Makefile',
]
/** A file of ours, as comments name one: with a folder, or with an ending that only code has. */
const FILE_NAME =
  /(?<![\w./~$:*-])((?:src|sidecar|scripts|test|docs)\/[\w./-]*\w\.(?:ts|c|h|md|json|sh|mk|1)|[\w-]+(?:\/[\w-]+)*\.(?:ts|c|h))(?![\w*])/g
/** Headers of the kernel, built files, and patterns. */
const isElsewhere = (name: string): boolean => /^(_|include\/|arch\/|linux\/|dist\/)|\bNAME/.test(name)

function commentsOf(path: string, text: string): string {
  if (/\.(md|mk)$|Makefile$/.test(path)) return text
  return [...text.matchAll(/\/\*[\s\S]*?\*\/|(?:^|\s)\/\/[^\n]*/g)].map(([comment]) => comment).join('\n')
}

function missingFiles(): string[] {
  const existing = ['src', 'sidecar', 'scripts', 'test', 'docs'].flatMap((folder) => below(folder, /./))
  const files = [
    ...DOCUMENTS,
    ...below('src', /\.[tc]s?$/),
    ...below('sidecar', /\.[ch]$/),
    ...below('scripts', /\.(ts|c|mk)$/),
    ...below('test', /\.(ts|c)$/),
  ]
  return files.flatMap((path) =>
    [...new Set([...commentsOf(path, textOf(path)).matchAll(FILE_NAME)].map(([, name = '']) => name))]
      .filter(
        (name) =>
          !isElsewhere(name) && !existsSync(join(TOP, name)) && !existing.some((file) => file.endsWith(`/${name}`)),
      )
      .map((name) => `${path}: names ${name}, and there is no such file`),
  )
}

/** Keys that say how a box reports, or who starts it; and `takeBack`, which src/explain says of each mount point. */
const UNSAID = ['contract', 'takeBack', 'cwdOfCaller', 'verbose', 'quiet', 'errors']

/** An option that nothing makes a plan of, or a key of the plan that nobody explains, would be accepted and ignored. */
function silentKeys(): string[] {
  const read = (...folders: string[]): string =>
    folders
      .flatMap((folder) => (folder.endsWith('.ts') ? [folder] : below(folder, /\.ts$/)))
      .map(textOf)
      .join('\n')
  const silent = (keys: readonly string[], text: string, what: string): string[] => {
    if (keys.length === 0) throw new Error(`names: no keys: ${what}`)
    return keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(text)).map((key) => `${key}: ${what}`)
  }
  const options = sources
    .find(({ path }) => path === 'src/options/types.ts')
    ?.tree.statements.filter((one) => ts.isTypeAliasDeclaration(one))
    .find(({ name }) => name.text === 'Options')?.type
  const keys =
    options !== undefined && ts.isTypeLiteralNode(options)
      ? options.members.map((one) => one.name?.getText() ?? '')
      : []
  const fields = [
    ...Object.values(OBJECTS),
    ...Object.values(VARIANTS).flatMap((variants) => Object.values(variants)),
  ].flatMap((table) => Object.keys(table))
  return [
    ...silent(
      keys,
      read('src/planner', 'src/seccomp', 'src/verbs', 'src/image/box.ts', 'src/image/defaults.ts'),
      'an option that src/planner/ makes nothing of',
    ),
    ...silent(
      [...new Set(fields)].filter((key) => !UNSAID.includes(key)),
      read('src/explain'),
      'a key of the plan that src/explain/ does not say',
    ),
  ]
}

if (sources.length === 0) throw new Error('names: no files found')
const found = [...unusedExports(), ...sharedNames(), ...missingFiles(), ...silentKeys()]
for (const line of found) console.error(`names: ${line}`)
process.exitCode = found.length > 0 ? 1 : 0
