/** A program learns what a box has refused its command. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box } from '../../src/index.ts'

const refusing = box({ ro: true, net: 'none', cwd: '/', traceDenied: true })

test('a run returns what was refused, whether the command has failed or not', async () => {
  const { exitCode, denied, unexplained, limits } = await refusing.run([
    'sh',
    '-c',
    'touch /usr/x; touch /usr/x; exit 0',
  ])
  assert.is(exitCode, 0)
  assert.is(limits, undefined)
  assert.equal(denied, [
    {
      op: 'create',
      subject: '/usr/x',
      code: 'EROFS',
      count: 2,
      rule: 'the root is read-only',
      allow: '--write /usr',
      text: "/usr/x can't be written in the box: the root is read-only.",
    },
  ])
  assert.ok((unexplained ?? 0) > 0)
})

test('without the option there is no list', async () => {
  const result = await refusing.with({ traceDenied: false }).run(['sh', '-c', 'touch /usr/x; exit 0'])
  assert.not.ok('denied' in result)
})

test('what could not return a list refuses the option', async () => {
  const message = /^traceDenied: only run returns what was refused$/
  assert.throws(() => refusing.spawn('true', []), message)
  assert.throws(() => refusing.spawnSync('true', []), message)
  await refusing.open().then(
    () => assert.unreachable(),
    (error: Error) => assert.match(error.message, message),
  )
  assert.throws(() => refusing.plan(['true']), /^traceDenied: only a command that runs now can be traced$/)
})

test.run()
