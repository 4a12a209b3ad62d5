/**
 * Both readers of plans on random texts: the same verdict, the same place, the same words. A failure names the seed,
 * and NSBOX_READERS_SEED=N makes the same texts again. NSBOX_READERS_TEXTS=N sets their number.
 */
// runs once
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { toBytes } from '../../src/text/bytes.ts'
import { encodePlan } from '../../src/plan/encode.ts'
import { parsePlan } from '../../src/plan/parse.ts'
import { PlanError } from '../../src/plan/validate.ts'
import { Chance, mutations } from '../helpers/mutate.ts'
import { BIN } from '../helpers/nsbox.ts'

const TEXTS = Number(process.env.NSBOX_READERS_TEXTS ?? 20000)
const SEED = Number(process.env.NSBOX_READERS_SEED ?? Date.now() % 2 ** 31)
const BATCH = 5000

const corpus = ['../fixtures/plans', '../fuzz/json']
  .map((name) => resolve(import.meta.dir, name))
  .flatMap((directory) =>
    readdirSync(directory)
      .sort()
      .map((name) => readFileSync(join(directory, name))),
  )

/** The messages about a text; empty for a valid plan. Bytes, as latin1. */
function here(text: Uint8Array): string {
  try {
    const plan = parsePlan(text)
    assert.equal(parsePlan(encodePlan(plan)), plan)
    return ''
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    return `${Buffer.from(toBytes(error.pointer)).toString('latin1')}: ${error.message}`
  }
}

function inTheSidecar(texts: readonly Uint8Array[]): string[] {
  const input = Buffer.concat(texts.flatMap((text) => [Buffer.from(Uint32Array.of(text.length).buffer), text]))
  const { error, status, stdout } = spawnSync(join(BIN, 'verdicts'), { input, maxBuffer: 2 ** 28 })
  if (error) throw error
  assert.is(status, 0)
  const said: string[] = []
  for (let at = 0; at < stdout.length;) {
    const [pointer, message] = [0, 0].map(() => {
      const start = at + 4
      at = start + stdout.readUInt32LE(at)
      return stdout.toString('latin1', start, at)
    })
    said.push(message === '' ? '' : `${pointer}: ${message}`)
  }
  assert.is(said.length, texts.length)
  return said
}

test(`${TEXTS} texts are judged the same by both readers`, () => {
  console.log(`seed ${SEED}`)
  const source = mutations(corpus, new Chance(SEED))
  const messages = new Set<string>()
  let taken = 0
  for (let left = TEXTS; left > 0; left -= BATCH) {
    const texts = Array.from({ length: Math.min(left, BATCH) }, () => source.next().value as Uint8Array)
    inTheSidecar(texts).forEach((there, n) => {
      const text = Buffer.from(texts[n] as Uint8Array)
      assert.is(here(text), there, `seed ${SEED}: ${text.toString('base64')}`)
      if (there === '') taken++
      messages.add(there.replace(/^.*?: (?=must|not valid|[a-z])/s, '').replace(/\d+/g, 'N'))
    })
  }
  // Some texts must be valid, or the readers would stop early in all of them.
  assert.ok(taken > TEXTS / 50, `${taken} of ${TEXTS} taken, seed ${SEED}`)
  assert.ok(messages.size > 40, `${messages.size} messages, seed ${SEED}`)
  console.log(`${taken} taken, ${messages.size} messages`)
})

test.run()
