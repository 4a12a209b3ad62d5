/** A plan depends on what it is made of: options, and looks at the host that go through one interface. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const SRC = resolve(import.meta.dir, '../../src')
/** The rooms that a plan is made in. */
const ROOMS = ['options', 'plan', 'planner', 'seccomp', 'text']
/** Modules that look at nothing; of the host's room the interface itself, and what makes texts. */
const HARMLESS = ['../host/types.ts', '../host/absolute.ts', '../host/errno.ts']
/** What else is imported, and why no look escapes by it. */
const EXCEPTIONS: Record<string, readonly string[]> = {
  // Says so by `opensFiles` before its first look.
  'planner/in-root.ts': ['node:fs', '../host/directory.ts'],
  // Says by `hasRead` what it has read, and by `opensFiles` what can't be read again.
  'options/profile.ts': ['node:fs', '../host/bun.ts'],
  'options/git-paths.ts': ['node:path'],
  // A plan with options from such a file is never remembered: verbs/repeatable.ts.
  'options/srt.ts': ['node:fs'],
  // Libraries that turn a text into values.
  'options/profile-json.ts': ['jsonc-parser/lib/esm/main.js'],
  'options/profile-toml.ts': ['smol-toml'],
  // The numbers of errors.
  'seccomp/profile.ts': ['node:os'],
}

const files = ROOMS.flatMap((room) =>
  (readdirSync(join(SRC, room), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${room}/${name}`),
)

/** The code of a file without comments and texts. */
const codeOf = (file: string): string => readFileSync(join(SRC, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')

test('what makes a plan looks at the host by one interface', () => {
  assert.ok(files.length > 40, String(files.length))
  for (const file of files) {
    const imported = [...codeOf(file).matchAll(/(?:from|import|require)\s*\(?\s*'([^']+)'/g)].map(
      ([, name = '']) => name,
    )
    for (const name of imported) {
      const isOfHost = /(^|\/)host\//.test(name) || !name.startsWith('.')
      const isKnown = HARMLESS.includes(name) || EXCEPTIONS[file]?.includes(name) === true
      assert.ok(!isOfHost || isKnown, `${file} imports ${name}`)
    }
  }
})

test('what makes a plan uses nothing of the runtime that knows the host', () => {
  for (const file of files) {
    const code = codeOf(file).replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    // A plan has a part of that name, but never with these members.
    const found =
      /\bBun\b|(?<!\.)\bprocess\s*\.\s*(?:env|cwd|getuid|getgid|geteuid|platform|arch|argv|umask|pid|ppid|stdin)\b|\bglobalThis\b|\bDate\b|\bMath\.random\b/.exec(
        code,
      )
    assert.is(found?.[0], undefined, `${file}: ${found?.[0]}`)
  }
})

test('of the numbers of errors alone, node:os gives a plan something', () => {
  assert.match(codeOf('seccomp/profile.ts'), /import \{ constants \} from 'node:os'/)
  assert.match(codeOf('planner/in-root.ts'), /import \{ closeSync \} from 'node:fs'/)
})

test('files of the box are opened only after the interface was told', () => {
  const code = codeOf('planner/in-root.ts')
  assert.match(code, /static with<T>\([^{]*\{\s*host\.opensFiles\(\)/)
  assert.match(code, /private constructor/)
})

test.run()
