/** Looks through a root that is to be written, and reports what it lacks as far as reading shows it. */
import type { Closure } from './closure.ts'
import { WATCHED } from './imports.ts'
import { type Entry, SETID } from './manifest.ts'

export function review(closure: Closure, entries: readonly Entry[], env: Record<string, string | undefined>): void {
  const { report } = closure
  reviewImports(closure, entries)
  for (const path of closure.scripts)
    report.add('is a script; what it starts or loads is not followed', path, 'name that too')
  for (const [path, { elf }] of closure.elves) {
    if (elf.needed.length === 0 && elf.interpreter === undefined && elf.type === 2)
      report.add('is linked statically, so reading does not show what it opens', path)
  }
  for (const { path, kind, stat } of entries) {
    if (kind === 'file' && (stat.mode & SETID) !== 0)
      report.add('is setuid or setgid here, and is not in the root', path)
  }
  const libraries = env['LD_LIBRARY_PATH'] ?? ''
  if (libraries !== '') report.add('LD_LIBRARY_PATH is set, and is not used to find libraries', libraries)
}

function reviewImports(closure: Closure, entries: readonly Entry[]): void {
  for (const { says, symbols, covered, hint, glibcOnly } of WATCHED) {
    if (entries.some(({ path, kind }) => kind === 'file' && covered.some((part) => path.includes(part)))) continue
    for (const [path, { elf, musl }] of closure.elves) {
      if (glibcOnly && musl) continue
      if (elf.imports.some((name) => symbols.includes(name))) closure.report.add(says, path, hint)
    }
  }
}
