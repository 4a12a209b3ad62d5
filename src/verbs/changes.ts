/** `nsbox changes`: what a box with `--changes review` has changed. */
import { hostOfCommand } from '#become-box'
import { line, print } from '../cli/output.ts'
import { painter, type Style } from '../cli/terminal.ts'
import { verb, type TypedOption } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import { lateReview } from '../lazy.ts'
import { cleanPath } from '../plan/box-path.ts'
import { safeJson } from '../plan/encode.ts'
import type { Change } from '../review/types.ts'
import type { StoredReview } from '../review/record.ts'
import { ageText } from '../text/age.ts'
import { printable } from '../text/printable.ts'
import { quote } from '../text/quote.ts'
import { sizeText } from '../text/size.ts'
import { isBrought } from '../review/attribute-names.ts'
import { isReviewId } from '../review/id.ts'

type Request = { word: string | undefined; json: boolean; all: boolean; discard: boolean; prune: boolean }

export const changes = verb<Request>({
  usage: 'changes [REVIEW|DIR] [--json] [--discard] | changes --all|--prune',
  doc: 'list what a command with --changes review has changed',
  examples: [
    'nsbox changes',
    'nsbox changes --json',
    'nsbox changes ./project',
    'nsbox changes --all',
    'nsbox changes --discard',
    'nsbox changes --prune',
  ],
  own: [
    { name: 'json', group: 'reporting', doc: 'print the changes as JSON' },
    {
      name: 'all',
      group: 'reporting',
      doc: 'list all reviews with their age and size, the newest first, in place of the changes of one',
    },
    { name: 'discard', group: 'reporting', doc: 'throw the changes away' },
    {
      name: 'prune',
      group: 'reporting',
      doc: 'throw away the reviews of commands that have ended and changed nothing',
    },
  ],
  words: Infinity,
  parse({ typed, rest: [word, extra] }) {
    const has = (name: string): boolean => typed.some(({ option }: TypedOption) => option.name === name)
    if (extra !== undefined || word === '')
      throw new UsageError(
        word === '' ? "changes: empty word ''" : `changes: one word too many: '${printable(extra ?? '')}'`,
        'nsbox changes [REVIEW|DIR]',
      )
    const request = { word, json: has('json'), all: has('all'), discard: has('discard'), prune: has('prune') }
    if (request.all && (word !== undefined || request.discard))
      throw new UsageError('--all: lists all reviews, and takes no other word', 'nsbox changes --all')
    if (request.prune && (word !== undefined || request.discard || request.all || request.json))
      throw new UsageError('--prune: looks through all reviews, and takes no other word', 'nsbox changes --prune')
    if (request.discard && request.json)
      throw new UsageError('--discard and --json: nothing is left to print', 'nsbox changes --discard')
    return request
  },
  async run({ word, json, all, discard, prune }) {
    const host = hostOfCommand()
    const { discardReview, listChanges, storedReviews } = lateReview()
    if (all) return printReviews(storedReviews(host), json)
    if (prune) return pruneAll(host)
    const review = reviewOf(word, host)
    if (discard) {
      await discardReview(review, host)
      line(`thrown away: ${title(review)}`)
      return 0
    }
    const found = await listChanges(review, host)
    if (json) return print(`${safeJson({ ...about(review), changes: found })}\n`)
    line(`${title(review)}`)
    for (const change of found) print(`${changeLine(change, review.record.cwd)}\n`)
    if (found.length === 0) line('nothing has changed')
    return 0
  },
})

/** The review that a word of the command line means. */
export function reviewOf(word: string | undefined, host: HostFacts): StoredReview {
  const isId = word === undefined || isReviewId(word)
  return lateReview().findReview(isId ? word : cleanPath(absolute(word, host)), host.cwd, host)
}

const about = ({ id, record }: StoredReview) => ({
  review: id,
  command: record.argv,
  cwd: record.cwd,
  started: new Date(Number(BigInt(record.started) / 1000000n)).toISOString(),
})

const title = ({ id, record }: StoredReview): string => `${id}: ${record.argv.map(quote).join(' ')} (in ${record.cwd})`

function printReviews(reviews: readonly StoredReview[], json: boolean): number {
  const { sizeOf } = lateReview()
  if (json) return print(`${safeJson(reviews.map((review) => ({ ...about(review), bytes: sizeOf(review) })))}\n`)
  for (const review of reviews) {
    const seconds = Math.max(0, Math.floor(Date.now() / 1000 - Number(BigInt(review.record.started) / 1000000000n)))
    line(`${title(review)}, ${ageText(seconds)} old, ${sizeText(sizeOf(review))}`)
  }
  return 0
}

/** The status is 125 if one of them could not be looked through. */
async function pruneAll(host: HostFacts): Promise<number> {
  const { removed, failed } = await lateReview().pruneReviews(host)
  for (const review of removed) line(`thrown away: ${title(review)}`)
  for (const { review, error } of failed)
    print(`nsbox: ${error.message}\nhint: nsbox changes --discard ${review.id}\n`, 2)
  return failed.length > 0 ? 125 : 0
}

const STYLES: Readonly<Record<Change['kind'], Style>> = { added: 'green', changed: 'bold', removed: 'red' }

/** One line: what has happened, the path from the command's directory, and why apply would leave it alone. */
export function changeLine({ path, kind, type, was, held, conflict, attributes = [] }: Change, cwd: string): string {
  const name = path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : path
  const suffix = type === 'directory' ? '/' : ''
  const [brought, left] = [attributes.filter(isBrought), attributes.filter((name) => !isBrought(name))]
  const notes = [
    brought.length === 0 ? undefined : `attributes ${brought.join(' ')}`,
    left.length === 0 ? undefined : `without ${left.join(' ')}`,
    was === undefined ? undefined : `was a ${was}`,
    held === undefined ? undefined : `stays apart: ${held}`,
    conflict === undefined ? undefined : `conflict: ${conflict}`,
  ].filter((note) => note !== undefined)
  const text = notes.length === 0 ? '' : `  (${notes.map(printable).join('; ')})`
  return `${painter()(kind.padEnd(8), STYLES[kind])} ${printable(name)}${suffix}${text}`
}
