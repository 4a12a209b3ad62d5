/** The commands in the README work as they stand there. */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, inTemp, NSBOX } from '../helpers/nsbox.ts'

const text = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map((match) => match[1] ?? '')

/** Without the build, which `make test` has done already. */
const lines = blocks.flatMap((block) => block.split('\n')).filter((line) => line !== '' && !line.startsWith('make'))

test('the README has commands to try', () => assert.ok(lines.length >= 6, lines.join('\n')))

test(
  'the commands of the README work one after the other in an empty directory',
  inTemp((dir) => {
    const env = { ...process.env, PATH: `${dirname(NSBOX)}:${process.env.PATH}` }
    for (const line of lines) {
      const { status, stderr } = execute('bash', ['-c', line], { cwd: dir, env })
      assert.is(status, 0, `${line}\n${stderr}`)
    }
  }),
)

test('every file that README and CONTRIBUTING name exists', () => {
  const contributing = readFileSync(new URL('../../CONTRIBUTING.md', import.meta.url), 'utf8')
  for (const [, path] of contributing.matchAll(/`((?:src|sidecar|test)\/[\w./-]*)`/g)) {
    assert.ok(execute('test', ['-e', new URL(`../../${path}`, import.meta.url).pathname]).status === 0, path)
  }
})

/** Step and subject as the README has them, without the system's text and placeholders. */
const subjects = (message: string) =>
  message
    .split(/: |\.\.\.|\b[A-Z]{3,}\b/)
    .map((part) => part.trim())
    .filter((part) => /^[^A-Z]/.test(part))

test("each message in the README's troubleshooting is one that the product has", () => {
  const sources = ['src', 'sidecar']
    .map(
      (dir) =>
        execute('sh', [
          '-c',
          'cat $(find "$0" -name "*.ts" -o -name "*.c")',
          new URL(`../../${dir}`, import.meta.url).pathname,
        ]).stdout,
    )
    .join('\n')
    .replaceAll("\\'", "'")
  const section = text.split('\n## Troubleshooting\n')[1]?.split('\n## ')[0] ?? ''
  const messages = [...section.matchAll(/^\| `([^`]+: [^`]+)`/gm)].map((match) => match[1] ?? '')
  assert.ok(messages.length >= 12, messages.join('\n'))
  for (const message of messages)
    for (const part of subjects(message)) assert.ok(sources.includes(part), `${message}: nothing says "${part}"`)
})

test.run()
