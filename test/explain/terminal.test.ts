/** What is read on a terminal has colours there, and nowhere else; --brief names the steps. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, NSBOX } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'

const ESCAPE = '\x1b['
const BOX = ['--ro', '--tmpfs', '/tmp', '--cwd', '/', 'true']

async function onTerminal(words: readonly string[], env: Record<string, string | undefined> = {}): Promise<string> {
  const pty = new Pty([NSBOX, ...words], { NO_COLOR: undefined, ...env })
  try {
    await pty.exited()
    return pty.shown.replaceAll('\r', '')
  } finally {
    await pty.end()
  }
}

const plain = (text: string): string => text.replace(/\x1b\[\d*m/g, '')

/** Free space and other counts of the machine may change between two looks. */
const steady = (text: string): string => text.replace(/\d+(\.\d+)? GiB/g, 'N GiB').replace(/up to \d+/g, 'up to N')

for (const words of [['explain', ...BOX], ['explain', '--brief', ...BOX], ['doctor'], ['help'], ['help', 'bake']]) {
  test(`${words[0]} ${words[1] ?? ''} is coloured on a terminal alone, and says the same without`, async () => {
    const shown = await onTerminal(words)
    assert.ok(shown.includes(ESCAPE), shown)
    assert.match(shown, /\x1b\[0m/)
    // Doctor's lines are facts of any length, and the terminal wraps them.
    if (words[0] !== 'doctor') for (const line of plain(shown).split('\n')) assert.ok(line.length <= 80, line)
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
      assert.not((await onTerminal(words, env)).includes(ESCAPE), JSON.stringify(env))
    assert.not(execute(NSBOX, words).stdout.includes(ESCAPE))
    assert.is(steady(plain(shown)), steady(await onTerminal(words, { NO_COLOR: '1' })))
  })
}

test('explain --brief has the title of each step, and little else', () => {
  const titles = (text: string) => text.split('\n').filter((line) => /^ ?\d+\. /.test(line))
  const whole = execute(NSBOX, ['explain', ...BOX]).stdout
  const brief = execute(NSBOX, ['explain', '--brief', ...BOX]).stdout
  assert.ok(titles(whole).length > 10)
  assert.equal(titles(brief), titles(whole))
  assert.ok(brief.split('\n').length < titles(whole).length + 20, brief)
  assert.ok(whole.split('\n').length > 4 * brief.split('\n').length)
})

test.run()
