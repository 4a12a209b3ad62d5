/** `nsbox ps`: the boxes that run. */
import { print } from '../cli/output.ts'
import { columns } from '../cli/terminal.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { thisHost } from '../host/bun.ts'
import { listBoxes, type ListedBox } from '../launch/boxes.ts'
import { isBoxName } from '../options/values.ts'
import type { Plan } from '../plan/types.ts'
import { ageText } from '../text/age.ts'
import { printable } from '../text/printable.ts'
import { quote } from '../text/quote.ts'

type Row = { pid: string; user: string; name: string; age: string; root: string; command: string }

export const ps = verb<{ json: boolean; quiet: boolean }>({
  usage: 'ps [--json]',
  doc: 'list the boxes that run: your own, and as root those of all users',
  examples: ['nsbox ps', 'nsbox ps --json', 'nsbox ps --quiet'],
  own: [
    { name: 'json', group: 'reporting', doc: 'print the boxes as JSON' },
    {
      name: 'quiet',
      short: 'q',
      group: 'reporting',
      doc: 'print nothing but the words by which nsbox enter finds them',
    },
  ],
  words: Infinity,
  parse({ typed, rest: [word] }) {
    if (word !== undefined) throw new UsageError(`ps: takes no argument, but has '${printable(word)}'`, 'nsbox ps')
    const has = (name: string): boolean => typed.some(({ option }) => option.name === name)
    if (has('json') && has('quiet')) throw new UsageError('--json and --quiet: choose one')
    return { json: has('json'), quiet: has('quiet') }
  },
  run({ json, quiet }) {
    const { uid } = thisHost()
    const isRoot = uid === 0
    const boxes = listBoxes(uid, isRoot)
    const now = secondsSinceBoot()
    if (json)
      return print(
        `${JSON.stringify(
          boxes.map((box) => factsOf(box, now)),
          null,
          2,
        )}\n`,
      )
    const own = boxes.filter((box) => box.uid === uid)
    if (quiet) return print(own.map((box) => `${wordFor(box, own)}\n`).join(''))
    return print(
      table(
        boxes.map((box) => rowOf(box, now)),
        isRoot,
      ),
    )
  },
})

/** The name of a box where it has one that no other box has, and its number otherwise. */
function wordFor({ pid, plan }: ListedBox, boxes: readonly ListedBox[]): string {
  const name = plan?.name
  const isUnique = boxes.filter((other) => other.plan?.name === name).length === 1
  return name !== undefined && isBoxName(name) && isUnique ? name : String(pid)
}

/** What USER_HZ is on every machine that nsbox runs on. */
const TICKS = 100

function secondsSinceBoot(): number {
  const uptime = thisHost().read('/proc/uptime')
  return 'text' in uptime ? Number(uptime.text.split(' ')[0]) : NaN
}

const ageOf = ({ started }: ListedBox, now: number): number => Math.max(0, Math.floor(now - started / TICKS))

function factsOf(box: ListedBox, now: number): Record<string, unknown> {
  const { pid, uid, plan } = box
  const age = ageOf(box, now)
  return {
    pid,
    name: plan?.name ?? null,
    uid,
    command: plan?.process.pause ? null : (plan?.process.argv ?? null),
    root: plan === undefined ? null : rootOf(plan),
    age,
    started: new Date(Date.now() - age * 1000).toISOString().replace(/\.\d+Z$/, 'Z'),
  }
}

function rowOf(box: ListedBox, now: number): Row {
  const { pid, uid, plan } = box
  return {
    pid: String(pid),
    user: loginOf(uid),
    name: plan?.name ?? '-',
    age: ageText(ageOf(box, now)),
    root: plan === undefined ? '?' : rootOf(plan),
    command:
      plan === undefined
        ? '(of another version of nsbox)'
        : plan.process.pause
          ? '(stays open for a program)'
          : plan.process.argv.map(quote).join(' '),
  }
}

function rootOf({ root }: Plan): string {
  if (root === undefined) return '?'
  if (root.type === 'empty') return 'tmpfs'
  if (root.type === 'directory') return root.path
  return root.image ?? root.lowers[0] ?? root.filesystems?.[0]?.path ?? '?'
}

const LONGEST: Readonly<Record<keyof Row, number>> = {
  pid: 10,
  user: 12,
  name: 16,
  age: 7,
  root: 24,
  command: Infinity,
}

/** On a terminal each row is one line of it; otherwise nothing is cut off. */
function table(rows: readonly Row[], withUser: boolean): string {
  const width = columns()
  const keys = (['pid', 'user', 'name', 'age', 'root', 'command'] as const).filter((key) => withUser || key !== 'user')
  const cells = [Object.fromEntries(keys.map((key) => [key, key.toUpperCase()])) as Row, ...rows.map(shown)]
  const widths = keys.map((key) => {
    const longest = Math.max(...cells.map((row) => [...row[key]].length))
    return width === undefined ? longest : Math.min(longest, LONGEST[key])
  })
  const lines = cells.map((row) =>
    keys.map((key, n) => (key === 'command' ? row[key] : fitted(row[key], widths[n] as number))).join('  '),
  )
  return lines.map((text) => `${(width === undefined ? text : cut(text, width)).trimEnd()}\n`).join('')
}

/** Names and words come from whoever made the plan. */
const shown = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).map(([key, text]) => [key, printable(text)])) as Row

const fitted = (text: string, width: number): string => {
  const short = cut(text, width)
  return short + ' '.repeat(Math.max(0, width - [...short].length))
}

function cut(text: string, width: number): string {
  const characters = [...text]
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`
}

/** The name of a user in the machine's passwd, or the number. */
function loginOf(uid: number): string {
  const passwd = thisHost().read('/etc/passwd')
  const lines = 'text' in passwd ? passwd.text.split('\n') : []
  return lines.find((text) => text.split(':')[2] === String(uid))?.split(':')[0] ?? String(uid)
}
