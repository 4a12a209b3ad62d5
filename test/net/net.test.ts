/**
 * nsbox-net on network namespaces that stand for boxes, in a world of its own: world.py beside it. Each scenario runs
 * once, and the tests look at what it has seen. NSBOX_TEST_CONNECTIONS=1000 and NSBOX_TEST_STARTS=1000 try more.
 */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot } from '../helpers/nsbox.ts'

const NET = resolve(import.meta.dir, '../../dist/nsbox-net')

type Seen = Record<string, any>

function world(...scenarios: string[]): Record<string, Seen> {
  const { stdout, stderr, status } = spawnSync('python3', [join(import.meta.dir, 'world.py'), NET, ...scenarios], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
  assert.is(status, 0, stderr)
  return JSON.parse(stdout)
}

const refused = (host: string, reason = 'name') => ({ event: 'resolve', host, allowed: false, reason })
const connected = (host: string, port: number, more: Seen = {}) => ({
  ...{ event: 'connect', host, port, allowed: true, address: '93.184.216.34', bytesSent: 0, bytesReceived: 5 },
  ...more,
})

let seen: Record<string, Seen> = {}
test.before(() => {
  seen = world(
    'answers',
    'connections',
    'ranges',
    'literals',
    'wildcards',
    'tls',
    'published',
    'scarcity',
    'confined',
    'starts',
    'unread',
    'faults',
    'oneself',
  )
})

const of = (scenario: string): Seen => {
  const found = seen[scenario]
  if (found === undefined || Object.keys(found).length === 0) throw new Error(`${scenario} has failed: see above`)
  return found
}

// --- Names ---

test('allowed names have addresses, parents of them exist, all others do not', () => {
  const { names, tcp } = of('answers')
  assert.equal(names, {
    'one.test': '0 198.19.0.1 ttl 0',
    'ONE.tEsT': '0 198.19.0.1 ttl 0',
    'two.test': '0',
    'b.two.test': '0',
    test: '0',
    'x.one.test': '3',
    'wild.test': '0',
    'x.wild.test': '0 198.19.0.3 ttl 0',
    'y.x.wild.test': '0 198.19.0.4 ttl 0',
    'other.test': '3',
    localhost: '0 127.0.0.1 ttl 0',
    'x.localhost': '0 127.0.0.1 ttl 0',
    'one.test.evil.test': '3',
    'xone.test': '3',
    '0x7f.1': '3',
    '1.2.3.4': '3',
    'a b.wild.test': '3',
    '_dmarc.wild.test': '0 198.19.0.5 ttl 0',
    '': '0',
  })
  assert.equal(tcp, ['0 198.19.0.1 ttl 0', '3'])
})

test('other types of an allowed name get an answer without records, at once', () => {
  const { 28: v6, ...others } = of('answers').kinds
  assert.is(v6, '0 fd6e:7362:6f78:1::1 ttl 0')
  assert.equal(
    Object.values(others),
    Object.keys(others).map(() => '0'),
  )
})

test('addresses of the box lead back to their names', () => {
  const reverse = of('answers').reverse
  const ones = Object.entries(reverse).filter(([, answer]) => answer === '0 \x03one\x04test\0 ttl 0')
  assert.is(ones.length, 2)
  assert.is(reverse['1.0.0.127.in-addr.arpa'], '0 \tlocalhost\0 ttl 0')
  assert.is(reverse['8.8.8.8.in-addr.arpa'], '3')
  assert.is(reverse['01.0.19.198.in-addr.arpa'], '3')
})

test('options, a newer version of them, and a cookie are understood; nothing is called authentic', () => {
  const { options, version, cookie, authentic, chaos, longest } = of('answers')
  assert.is(options, '0 198.19.0.1 ttl 0 options 00002904d0000000000000')
  assert.is(version, '0 options 00002904d0010000000000')
  assert.is(cookie, options)
  assert.is(authentic, '0 198.19.0.1 ttl 0')
  assert.is(chaos, '5')
  assert.is(longest, '3')
})

test('evil queries get an error or no answer, and the next one is answered', () => {
  const { evil, after } = of('answers')
  assert.equal(evil, {
    empty: null,
    short: '1',
    header: '1',
    'an answer': null,
    update: '4',
    truncated: '1',
    compressed: '1',
    'wide label': '1',
    'no question': '1',
    'two questions': '1',
    'no end': '1',
    'two options': '1',
    'many records': '1',
    'tcp, too long': null,
    'tcp, empty': null,
  })
  assert.is(after, '0 198.19.0.1 ttl 0')
})

test('refused names are events, each once', () => {
  const events: Seen[] = of('answers').events
  for (const name of ['x.one.test', 'other.test', 'a b.wild.test'])
    assert.equal(
      events.filter(({ host }) => host === name),
      [refused(name)],
    )
})

test('a name on demand keeps its address, nobody else gets it, and there are at most 4096', () => {
  const { seen: said, given, different, same, last, ends, events, asked } = of('wildcards')
  assert.equal(said, ['hello', 'hello', 'hello', 'ECONNRESET'])
  assert.is(different, given + 1)
  assert.ok(same)
  assert.is(given, 4096 - 2)
  assert.is(last, '2')
  assert.equal(ends, [])
  assert.equal(events, [refused('n4094.wild.test', 'too-many-names')])
  // Only a connection is a reason to look a name up outside.
  assert.equal(asked, ['a.wild.test', 'c.b.wild.test'])
})

// --- Connections ---

test('a connection to an allowed name reaches its server', () => {
  const all = of('connections')
  for (const way of ['hello', 'by IPv6', 'a hosts file', 'a server of IPv6', 'the second address'])
    assert.is(all[way], 'hello', way)
})

test('each side may end its direction first', () => {
  assert.is(of('connections')['end, then answer'], '3010')
  assert.is(of('connections')['server ends first'], 4 << 20)
  assert.equal(of('connections').counted, [3010])
})

test('what fails outside is a reset in the box', () => {
  const all = of('connections')
  for (const way of ['reset by the server', 'nobody listens', 'no such name', 'an address of no name', 'the resolver'])
    assert.is(all[way], 'ECONNRESET', way)
})

test('nothing but allowed names and ports can be reached', () => {
  const all = of('connections')
  assert.equal(all.outside, ['ENETUNREACH', 'ENETUNREACH', 'ENETUNREACH', 'ENETUNREACH'])
  assert.is(all['a port nobody allows'], 'ECONNREFUSED')
  assert.is(all['a port of the resolver'], 'ECONNREFUSED')
  assert.is(all.udp, 'ECONNREFUSED')
})

test('each connection is an event with its name, port, verdict and bytes', () => {
  const events: Seen[] = of('connections').events
  const has = (event: Seen) =>
    assert.ok(
      events.some((one) => Bun.deepEquals(one, event)),
      JSON.stringify(event),
    )
  has(connected('one.test', 80))
  has(connected('in-hosts.test', 80))
  has(connected('six.test', 80, { address: '2606:2800:220:1::34' }))
  has(connected('one.test', 82, { bytesSent: 3010, bytesReceived: 4 << 20 }))
  has(connected('one.test', 83, { error: 'ECONNRESET', bytesSent: 1, bytesReceived: 0 }))
  const { address: _, ...gone } = connected('gone.test', 80, { error: 'ENOENT', bytesReceived: 0 })
  has(gone)
  has({ event: 'connect', host: '198.19.200.1', port: 80, allowed: false, reason: 'name' })
})

test('many connections at once, and sixteen million bytes both ways by one', () => {
  assert.is(of('connections').many, true)
  assert.is(of('connections').bulk, 'equal')
})

test('more connections than descriptors wait, and nothing spins', () => {
  assert.equal(of('scarcity'), { answered: 200, spins: false, after: 'y' })
})

test('allowed addresses are reached as such, by their port alone', () => {
  const { seen: said, events } = of('literals')
  assert.equal(said, ['hello', 'hello', 'ECONNRESET', 'ENETUNREACH', '3'])
  assert.equal(events[2], { event: 'connect', host: '2606:2800:220:1::34', port: 81, allowed: false, reason: 'port' })
})

test('events that nobody reads are counted, and nothing waits for them', () => {
  assert.equal(of('unread'), {
    seen: ['hello', '0 198.19.0.1 ttl 0'],
    counted: 1501,
    kinds: ['dropped', 'connect'],
  })
})

// --- Rules ---

test('a name that leads into a private network is refused, and says so', () => {
  const { mixed, ...others } = of('ranges').refused
  assert.is(mixed, 'hello')
  assert.equal(new Set(Object.values(others)), new Set(['ECONNRESET']))
  const found = of('ranges').ranges
  assert.is(found['metadata.test'], 'link-local')
  assert.is(found['nat.test'], 'carrier-grade NAT')
  assert.is(found['mapped.test'], 'IPv4 within IPv6')
  assert.is(found['local.test'], 'private')
  assert.ok(Object.entries(found).every(([name, range]) => (name === 'mixed.test') === (range === null)))
})

test('--allow-private lets it through, but for addresses that no server has', () => {
  assert.equal(of('ranges').allowed, {
    loopback: 'hello',
    loopback6: 'hello',
    zero: 'ECONNRESET',
    broadcast: 'ECONNRESET',
    mapped: 'hello',
    mixed: 'hello',
  })
})

test('no query leaves the machine for a refused name, nor for a refused port', () => {
  assert.equal(of('ranges').asked, [])
})

test('--check-sni wants a hello of TLS with the name', () => {
  const { events, asked, ...said } = of('tls')
  assert.equal(said, {
    right: 'all',
    'upper case': 'all',
    another: 'ECONNRESET',
    none: 'ECONNRESET',
    plain: 'ECONNRESET',
    bytes: 'all',
    records: 'all',
    'no more': 'ECONNRESET',
    nothing: 'ECONNRESET',
    'an address': 'all',
    'a name for an address': 'ECONNRESET',
  })
  assert.is(events, 6)
  assert.equal(asked, ['one.test'])
})

test('rules that hide something, or allow everything, are refused with a sentence', () => {
  const started = Object.entries(of('faults')).filter(([, result]) => result === 'started')
  assert.equal(
    started.map(([name]) => name),
    ['private, allowed', 'one dot at the end'],
  )
  for (const [name, [status, message]] of Object.entries(of('faults')).filter(([, result]) => result !== 'started')) {
    assert.is(status, name === 'publish: not here' ? 125 : 2, name)
    assert.match(message, /^nsbox: network: [^\n]+\n(hint: [^\n]+\n)?$/, name)
  }
  const { 'every name': every, hexadecimal, private: own } = of('faults')
  assert.is(every[1], 'nsbox: network: would allow every name: *:443\n')
  assert.is(hexadecimal[1], 'nsbox: network: ends in a number, as addresses do: 0x7f.1:80\n')
  assert.match(own[1], /needs --allow-private: 10\.0\.0\.1:80/)
})

// --- Ports of the host ---

test('a published port leads to a server in the box, which needs no other device', () => {
  const { events, taken, ...said } = of('published')
  assert.equal(said, {
    echo: 'abc',
    'another address': 'ECONNREFUSED',
    'by IPv6': 'hello',
    'nobody listens': 'ECONNRESET',
    links: ['lo'],
  })
  assert.equal(events[0], {
    event: 'accept',
    port: 8080,
    inside: 80,
    peer: '127.0.0.1',
    bytesSent: 3,
    bytesReceived: 3,
  })
  assert.is(events[2].error, 'ECONNREFUSED')
  assert.is(taken[0], 125)
  assert.match(taken[1], /^nsbox: network: publish: 127\.0\.0\.1:8080: Address in use \(EADDRINUSE\)\nhint: /)
})

// --- The processes ---

test('no process has a capability, a file or a way to another program', () => {
  const { processes } = of('confined')
  assert.is(processes.length, 3)
  for (const process of processes) {
    assert.is(process.capabilities, 0)
    assert.is(process.filter, '2')
    assert.is(process['new privileges'], '1')
    const descriptors: string[] = process.descriptors
    assert.equal(
      descriptors.filter((name) => !['socket', 'pipe', 'anon_inode', '/dev/null'].includes(name)),
      [],
    )
  }
  // In the user's world there is no nobody.
  if (asRoot) assert.is(processes[0].user, '65534')
})

test('when it is killed, its processes, the device and the second namespace go', () => {
  const { before, left, after } = of('confined')
  assert.equal(before, ['eth0', 'lo'])
  assert.is(left, 0)
  assert.equal(after, ['lo'])
})

test('many starts leave no process, and the first query of each is answered', () => {
  assert.equal(of('starts'), { first: ['0 198.19.0.1 ttl 0'], left: 0 })
})

test('a box without a network of its own is refused', () => {
  assert.equal(of('oneself'), [125, 'nsbox: network: the box has no network of its own\n'])
})

test.run()
