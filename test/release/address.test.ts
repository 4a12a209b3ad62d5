/** The address of a release: package.json has it, and all texts that users copy from have it from there. */
// runs once
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WITH_RELEASE, withRelease } from '../../scripts/address.ts'
import { TOP, textOf } from '../helpers/documents.ts'

const { config, homepage, repository, bugs, version } = JSON.parse(readFileSync(join(TOP, 'package.json'), 'utf8'))
const addresses = [config.release, homepage, repository.url, bugs.url] as string[]
const PLACEHOLDER = 'nsbox.example'

test('each text has the address of this version, once', () => {
  const release = config.release.replaceAll('VERSION', version)
  for (const path of WITH_RELEASE) {
    assert.is(withRelease(path), textOf(path), `${path}: make gen`)
    assert.is(textOf(path).split(release).length, 2, path)
  }
})

test('either all addresses are places that are not there yet, and README says so, or none is', () => {
  const placeholders = addresses.filter((address) => address.includes(PLACEHOLDER))
  assert.ok(placeholders.length === 0 || placeholders.length === addresses.length, placeholders.join(' '))
  for (const readme of ['README.md', 'README.zh.md'])
    assert.is(textOf(readme).includes(`\`${PLACEHOLDER}\``), placeholders.length > 0, readme)
})

test.run()
