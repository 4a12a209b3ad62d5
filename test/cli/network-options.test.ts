/** What --allow-host and --publish take, and what they say of all else. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../../src/errors.ts'
import { allowedHost, publishedPort } from '../../src/options/network.ts'
import { nsbox, planOf } from '../helpers/nsbox.ts'

function refusal(body: () => unknown): string {
  try {
    return `taken as ${String(body())}`
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return error.hint === undefined ? error.message : `${error.message} (${error.hint})`
  }
}

test('a host is a name, a name with a star before it, or an address; its port is 443 unless it has one', () => {
  for (const [text, rule] of [
    ['registry.npmjs.org', 'registry.npmjs.org:443'],
    ['Registry.NPMJS.org.:80', 'registry.npmjs.org:80'],
    ['*.example.org', '*.example.org:443'],
    ['db:5432', 'db:5432'],
    ['_srv.a-b.example:65535', '_srv.a-b.example:65535'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example:443'],
    ['192.0.2.1:1', '192.0.2.1:1'],
    ['2001:DB8:0:0::1', '[2001:db8::1]:443'],
    ['[2001:db8::1]:22', '[2001:db8::1]:22'],
    [`${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`, undefined],
  ] as const)
    assert.is(allowedHost(text), rule ?? `${text}:443`)
})

test('a text that is no host, or could be read as another one, is refused by its name', () => {
  for (const [text, message] of [
    ['', /has no name/],
    ['*', /would allow every name/],
    ['*.', /would allow every name/],
    ['*.*.example.org', /a \* that is not its first part/],
    ['a*.example.org', /a \* that is not its first part/],
    ['https://example.org/x', /is an address of a page \(--allow-host example\.org\)/],
    ['http://example.org', /is an address of a page \(--allow-host example\.org:80\)/],
    ['example.org/x', /is an address of a page/],
    ['git@example.org', /has a user/],
    ['example.org:', /a port from 1 to 65535/],
    ['example.org:0', /a port from 1 to 65535/],
    ['example.org:65536', /a port from 1 to 65535/],
    ['example.org:080', /a port from 1 to 65535/],
    ['example.org:https', /a port from 1 to 65535/],
    ['example.org:*', /a port from 1 to 65535/],
    ['a..b', /has an empty part/],
    ['.example.org', /begins with a dot/],
    ['-a.example', /is no name of a host/],
    ['a-.example', /is no name of a host/],
    ['a b.example', /is more than one host/],
    ['a%2eb.example', /is no name of a host/],
    ['a\\b.example', /is no name of a host/],
    [`${'a'.repeat(64)}.example`, /more than 63/],
    [`${'a.'.repeat(126)}ab`, /more than 253/],
    ['bücher.example', /names of hosts are not written with \(write xn--bcher-kva\.example\)/],
    ['*.bücher.example', /\(write \*\.xn--bcher-kva\.example\)/],
    ['localhost:5432', /is the box itself \(.*\/etc\/hosts.*--allow-private\)/],
    ['a.localhost', /is the box itself/],
    ['0x7f.1', /ends in a number/],
    ['0x7f000001', /ends in a number/],
    ['2130706433', /ends in a number/],
    ['127.1', /ends in a number/],
    ['010.0.0.1', /ends in a number/],
    ['1.2.3.256', /ends in a number/],
    ['[::1', /is no address of IPv6/],
    ['[fe80::1%eth0]', /is no address of IPv6/],
    ['[example.org]', /is no address of IPv6/],
    ['a:b:443', /is no address of IPv6/],
  ] as const)
    assert.match(
      refusal(() => allowedHost(text)),
      message,
    )
})

test('a published port is on 127.0.0.1 unless an address stands before it', () => {
  for (const [text, rule] of [
    ['8080:80', '127.0.0.1:8080:80'],
    ['0.0.0.0:8080:80', '0.0.0.0:8080:80'],
    ['[::]:8080:80', '[::]:8080:80'],
    ['[0:0::1]:1:65535', '[::1]:1:65535'],
  ] as const)
    assert.is(publishedPort(text), rule)
  for (const [text, message] of [
    ['', /\[ADDR:\]PORT:PORT/],
    ['8080', /\[ADDR:\]PORT:PORT.*\(--publish 8080:8080\)/],
    ['8080:80/tcp', /names a protocol \(only TCP is published: 8080:80\)/],
    ['8080:80/udp', /names a protocol \(only TCP is published\)/],
    ['0:80', /ports from 1 to 65535/],
    ['8080:65536', /ports from 1 to 65535/],
    ['8000-8010:80', /ports from 1 to 65535/],
    ['localhost:8080:80', /must have an address of this machine.*\(8080:80 is published on 127\.0\.0\.1\)/],
    ['example.org:8080:80', /must have an address of this machine/],
    [':8080:80', /must have an address of this machine/],
    ['1.2.3:8080:80', /must have an address of this machine/],
  ] as const)
    assert.match(
      refusal(() => publishedPort(text)),
      message,
    )
})

test('each option implies a network of the box, is repeatable, and the same rule counts once', () => {
  const { namespaces, helpers } = planOf(
    '--allow-host a.example --allow-host A.example:443 --allow-host b.example:22 --allow-private --check-sni -p 1:2 --publish 127.0.0.1:1:2 true'.split(
      ' ',
    ),
  ) as unknown as { namespaces: string[]; helpers: object[] }
  assert.ok(namespaces.includes('net'))
  const argv =
    'nsbox-net --allow a.example:443 --allow b.example:22 --allow-private --check-sni --publish 127.0.0.1:1:2'
  assert.equal(helpers, [{ part: 'net', argv: argv.split(' '), ends: 'box' }])
  assert.is(planOf(['--net', 'none', 'true']).helpers, undefined)
})

test('options that contradict each other, or have nothing to act on, are refused', () => {
  for (const [words, message] of [
    ['--allow-host a.example --net host', /--net host and --allow-host/],
    ['--net host -p 1:2', /--net host and --publish/],
    ['--allow-private', /--allow-private: no host is allowed\nhint: .*--allow-host/],
    ['--check-sni -p 1:2', /--check-sni: no host is allowed/],
    ['--allow-host a.example --share abstract', /--net none and --share abstract/],
  ] as const) {
    const { status, stderr } = nsbox([...words.split(' '), 'true'])
    assert.is(status, 2, stderr)
    assert.match(stderr, message)
  }
})

test.run()
