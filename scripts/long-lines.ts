/**
 * Fails where a line has more than 120 columns; a tab counts as four. The formatters break code, and neither comments
 * nor texts: a comment is wrapped by hand, and a text that no line break can go into may stand over the end of its
 * line.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const TOP = join(import.meta.dir, '..')
const COLUMNS = 120
const FOLDERS = ['src', 'sidecar', 'scripts', 'test']
const ENDINGS = /\.(ts|c|h)$/
const IGNORED =
  /^(test\/(fixtures|fuzz)\/|src\/seccomp\/(filters|fake-root-filters|syscalls)\.ts|src\/library\/box-options\.ts|sidecar\/(plan\/contract|base\/steps)\.h)/

const columns = (line: string): number => [...line.replaceAll('\t', '    ')].length
/** A text or a pattern that may stand over the end of the line. */
const TEXT = /'(?:[^'\\]|\\.){24,}'|"(?:[^"\\]|\\.){24,}"|`(?:[^`\\]|\\.){24,}`?|\/(?:[^/\\]|\\.){24,}\//g

/** Lines, from 0 on, of texts that go over several: a list or a program in another language, whose lines are its own. */
function linesOfTexts(path: string, text: string): Set<number> {
  const lines = new Set<number>()
  if (!path.endsWith('.ts')) return lines
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false)
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node)) {
      const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line
      const last = file.getLineAndCharacterOfPosition(node.end).line
      if (last > first) for (let line = first; line <= last; line++) lines.add(line)
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return lines
}

let files = 0
let found = 0
for (const folder of FOLDERS) {
  for (const name of (readdirSync(join(TOP, folder), { recursive: true }) as string[]).sort()) {
    const path = `${folder}/${name}`
    if (!ENDINGS.test(path) || IGNORED.test(path)) continue
    files++
    const text = readFileSync(join(TOP, path), 'utf8')
    const inText = linesOfTexts(path, text)
    for (const [n, line] of text.split('\n').entries()) {
      if (inText.has(n)) continue
      if (columns(line) <= COLUMNS || columns(line.replace(TEXT, "''")) <= COLUMNS) continue
      found++
      console.error(`${path}:${n + 1}: ${columns(line)} columns`)
    }
  }
}
if (files === 0) throw new Error('long-lines: no files found')
if (found > 0)
  console.error(
    `long-lines: ${found} lines have more than ${COLUMNS} columns\nhint: make format breaks code; a comment is wrapped by hand`,
  )
process.exitCode = found > 0 ? 1 : 0
