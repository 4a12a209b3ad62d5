import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { allOptions, QUESTION_ROWS } from '../../src/cli/verb-options.ts'
import { VERBS, type VerbName } from '../../src/cli/verb.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { helpText as helpOf, optionReference, REFERENCE_BEGIN, REFERENCE_END } from '../../src/cli/help.ts'
import { GROUPS, OPTIONS, synopsis } from '../../src/options/rows.ts'
import { parse } from '../helpers/command.ts'

const test = suite('help')
const helpText = (topic?: VerbName) => helpOf(ROWS, topic)

for (const topic of [undefined, ...VERBS]) {
  const name = `help${topic === undefined ? '' : ` ${topic}`}`
  test(`${name} fits a screen of 80 columns and has no trailing blanks`, () => {
    for (const line of helpText(topic).split('\n')) {
      assert.ok(line.length <= 80, line)
      assert.is(line, line.trimEnd())
    }
  })

  test(`${name} gives examples that parse`, () => {
    const examples = [...(helpText(topic).split('Examples:\n')[1] ?? '').matchAll(/^ {2}\$ nsbox (.*)$/gm)]
    assert.ok(examples.length >= (topic === 'doctor' ? 1 : 3))
    for (const [, line = ''] of examples) parse(line.split(/ [|>] /)[0]?.split(' ') ?? [])
  })
}

test('help shows every verb, group and option with its sentence', () => {
  const text = helpText()
  const flat = text.replace(/\s+/g, ' ')
  for (const verb of VERBS) assert.match(text, new RegExp(`^  ${verb} +\\S`, 'm'))
  for (const group of GROUPS)
    if (OPTIONS.some((option) => option.group === group)) assert.ok(text.includes(`Options: ${group}:\n`))
  for (const option of OPTIONS) assert.ok(flat.includes(` ${synopsis(option)} ${option.doc}`), option.name)
})

test('options of one verb are in its help, and not in that of others', () => {
  assert.ok(helpText('rootfs').includes('--with WHAT[,WHAT]'))
  assert.not.ok(helpText('rootfs').includes('--root'))
  assert.not.ok(helpText('run').includes('--with'))
  assert.ok(helpText('bake').includes('-o, --output FILE'))
  assert.not.ok(helpText('run').includes('--output'))
  assert.ok(helpText('run').includes('--plan FILE|-'))
  assert.not.ok(helpText('plan').includes('--plan FILE|-'))
})

test('help prints nothing by itself', () => {
  const { info } = console
  helpText()
  assert.is(console.info, info)
})

test('the option reference stands between its markers, a row for each option', () => {
  const text = optionReference(ROWS)
  assert.ok(text.startsWith(REFERENCE_BEGIN) && text.trimEnd().endsWith(REFERENCE_END))
  assert.is(text.match(/^\| `-/gm)?.length, allOptions(ROWS).length + QUESTION_ROWS.length)
  assert.ok(text.includes('`--net host\\|none`'))
})

test('names of options are unique, and sentences have one shape', () => {
  assert.is(new Set(OPTIONS.map(({ name }) => name)).size, OPTIONS.length)
  for (const { doc } of OPTIONS) assert.not.match(doc, /^[A-Z]|\.$/)
})

test.run()
