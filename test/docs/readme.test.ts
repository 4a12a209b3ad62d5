/** What README, CONTRIBUTING and the page of messages say is so. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { allOptions, QUESTION_ROWS } from '../../src/cli/verb-options.ts'
import { VERBS } from '../../src/cli/verb.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { headingsOf, shellBlocks, TOP, textOf } from '../helpers/documents.ts'
import { execute } from '../helpers/nsbox.ts'

const readme = textOf('README.md')

test('README fits two screens and shows a first box before anything else', () => {
  assert.ok(readme.split('\n').length <= 160, String(readme.split('\n').length))
  assert.equal(
    headingsOf(readme)
      .slice(0, 4)
      .map(({ text }) => text),
    ['nsbox', 'Get it', 'A first box', 'Five jobs'],
  )
  assert.ok(shellBlocks('README.md').length >= 5)
})

test('each option and verb of nsbox that README names is one', () => {
  const options = new Set([...allOptions(ROWS), ...QUESTION_ROWS].map(({ name }) => `--${name}`))
  // Right of what other programs have, in the table of those who come from them.
  const table = readme.split('\n## Coming from\n')[1]?.split('\n## ')[0] ?? ''
  const ours = [...table.matchAll(/^\| .+? \| (.+) \|$/gm)].map(([, cell = '']) => cell)
  assert.ok(ours.length >= 10)
  const text = [...shellBlocks('README.md'), ...ours].join('\n').replace(/ -- .*/g, '')
  for (const [option] of text.matchAll(/(?<=[\s`])--[a-z][a-z-]*/g)) assert.ok(options.has(option), option)
  for (const [, verb = ''] of text.matchAll(/nsbox ([a-z]+) /g))
    assert.ok((VERBS as readonly string[]).includes(verb), `nsbox ${verb}`)
})

test('every file that CONTRIBUTING names exists', () => {
  for (const [, path] of textOf('CONTRIBUTING.md').matchAll(/`((?:src|sidecar|test)\/[\w./-]*)`/g)) {
    assert.ok(execute('test', ['-e', `${TOP}/${path}`]).status === 0, path)
  }
})

/** Step and subject as the page has them, without the system's text and placeholders. */
const subjects = (message: string) =>
  message
    .split(/: |\.\.\.|\b[A-Z]{3,}\b/)
    .map((part) => part.trim())
    .filter((part) => /^[^A-Z]/.test(part))

test('each message of docs/troubleshooting.md is one that the product has', () => {
  const sources = ['src', 'sidecar']
    .flatMap((dir) => (readdirSync(join(TOP, dir), { recursive: true }) as string[]).map((name) => join(dir, name)))
    .filter((name) => /\.(ts|c)$/.test(name))
    .map(textOf)
    .join('\n')
    .replaceAll("\\'", "'")
  const section = textOf('docs/troubleshooting.md').split('\n## Troubleshooting\n')[1]?.split('\n## ')[0] ?? ''
  const messages = [...section.matchAll(/^\| `([^`]+: [^`]+)`/gm)].map((match) => match[1] ?? '')
  assert.ok(messages.length >= 12, messages.join('\n'))
  for (const message of messages)
    for (const part of subjects(message)) assert.ok(sources.includes(part), `${message}: nothing says "${part}"`)
})

test.run()
