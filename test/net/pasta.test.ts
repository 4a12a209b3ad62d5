/**
 * nsbox-net with pasta on network namespaces that stand for boxes: what they reach, and that nothing of the host's
 * loopback is among it. reaching_all.py beside it has the scenarios, which root alone can make: other users and
 * device nodes.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot } from '../helpers/nsbox.ts'

const NET = resolve(import.meta.dir, '../../dist/nsbox-net')
const run = promisify(execFile)
const can = asRoot && existsSync('/usr/bin/pasta')
const testPasta = can ? test : test.skip

type Seen = Record<string, any>
const seen: Seen = {}

test.before(async () => {
  if (!can) return
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
  // Each is a world of its own, and mostly waits for what must not come.
  const worlds = ['as_root', 'as_user', 'as_root_of_users', 'ends', 'refusals'].map(async (scenario) => {
    const { stdout } = await run('python3', [join(import.meta.dir, 'world.py'), NET, scenario], { env })
    Object.assign(seen, JSON.parse(stdout))
  })
  await Promise.all(worlds)
})

const callers = {
  as_root: { uid: '65534', text: 'root' },
  as_root_of_users: { uid: '65534', text: 'root, with a user namespace' },
  as_user: { uid: '4242', text: 'an ordinary user' },
}

for (const [scenario, { uid, text }] of Object.entries(callers)) {
  testPasta(`a box of ${text} reaches hosts outside by TCP and UDP, and the resolver at the host's loopback`, () => {
    const { message, outside, datagrams, names } = seen[scenario]
    assert.is(message, undefined)
    assert.equal(outside, ['hello', 'hello'])
    assert.equal(datagrams, ['x from 93.184.216.34', 'x from 2606:2800:220:1::34'])
    assert.equal(names, ['x from 127.0.0.1'])
  })

  testPasta(`a box of ${text} does not reach servers on the host's loopback, nor by the host's own address`, () => {
    const { loopback, own, gateway } = seen[scenario]
    assert.equal(loopback, ['ECONNREFUSED', 'ECONNREFUSED'])
    assert.equal(own, ['ECONNREFUSED', 'no answer'])
    assert.equal(gateway, ['no answer', 'no answer'])
  })

  testPasta(
    `a box of ${text} does not reach them by a socket that is bound to the device, nor by forged packets`,
    () => {
      const { bound, forged } = seen[scenario]
      assert.equal(bound, ['no answer', 'no answer', 'no answer', 'no answer'])
      // Those to hosts outside are answered, so the others would be seen.
      assert.equal(forged, ['2606:2800:220:1::34', '93.184.216.34'])
    },
  )

  testPasta(`pasta runs without root's rights for ${text}`, () => {
    assert.equal(seen[scenario].pasta, { count: 1, uid, filter: '2' })
  })
}

testPasta('pasta ends with nsbox-net, and nsbox-net with pasta, and the way out with both', () => {
  assert.equal(seen.ends.ended, [true, ['lo'], true, ['lo']])
})

testPasta('each fault is one line that says what is missing', () => {
  const place = "hint: install it where they can't write: on Debian and Ubuntu, sudo apt-get install passt\n"
  const { silent, ...others } = seen.refusals
  assert.equal(others, {
    missing: [
      125,
      'nsbox: network: find the program: /usr/bin/no-such-pasta: No such file or directory (ENOENT)\nhint: on Debian and Ubuntu: sudo apt-get install passt\n',
    ],
    relative: [
      125,
      'nsbox: network: the path of the program must be absolute: pasta\nhint: on Debian and Ubuntu: sudo apt-get install passt\n',
    ],
    writable: [125, `nsbox: network: users other than root and you could replace the program: DIR/writable\n${place}`],
    directory: [125, `nsbox: network: users other than root and you could replace the program: DIR/open\n${place}`],
    tun: [
      125,
      'nsbox: network: pasta could not connect the box: /usr/bin/pasta: Failed to open tun socket in namespace\nhint: pasta has to open /dev/net/tun: sudo chmod 666 /dev/net/tun, as most systems have it\n',
    ],
    offline: [
      125,
      'nsbox: network: pasta could not connect the box: /usr/bin/pasta: External interface not usable\nhint: pasta takes the addresses of the device with the default route: see `ip route`\n',
    ],
  })
  assert.is(silent[0], 125)
  assert.match(silent[1], /^nsbox: network: pasta could not connect the box: DIR\/silent: .*\n$/)
})

test.run()
