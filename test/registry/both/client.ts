/** The registry client against servers that behave, and that don't. */
import * as net from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { AMD64, client, contents, digestOf, refused, withServer, type Handler } from './fake.ts'
import { arm, BASIC, behind, found, image, index, multi, PASSWORD, plain } from './team.ts'

test(
  'an image is found by its tag, and by its digest',
  withServer(plain, async ({ host, asked }) => {
    const byTag = await client(host).registry.resolve(AMD64)
    assert.is(byTag.digest, image.digest)
    assert.is(byTag.manifestDigest, image.digest)
    assert.is(byTag.config.toString(), image.config)
    assert.equal(
      byTag.manifest.layers.map(({ digest }) => digest),
      [image.layerDigest],
    )
    const byDigest = await client(host, { digest: image.digest }).registry.resolve(AMD64)
    assert.is(byDigest.digest, image.digest)
    assert.ok(asked.some(({ url }) => url.endsWith(`/manifests/${image.digest}`)))
    assert.ok(asked.every(({ headers }) => headers.authorization === undefined))
  }),
)

test(
  'of an index of two architectures, the one for the platform is taken',
  withServer(multi, async ({ host }) => {
    for (const [architecture, wanted] of Object.entries({ amd64: image, arm64: arm })) {
      const resolved = await client(host).registry.resolve({ os: 'linux', architecture })
      assert.is(resolved.digest, digestOf(index))
      assert.is(resolved.manifestDigest, wanted.digest)
    }
  }),
)

test(
  'an index without the platform is refused with a list of what there is',
  withServer(multi, async ({ host }) => {
    const words = await refused(client(host).registry.resolve({ os: 'linux', architecture: 's390x' }))
    assert.match(words, /no image for linux\/s390x: 127\.0\.0\.1:\d+\/team\/app:latest\n/)
    assert.match(words, /there is: linux\/amd64, linux\/arm64;/)
    assert.not.match(words, /unknown/)
  }),
)

test(
  'an image for another architecture is refused, also without an index',
  withServer(contents([arm], { latest: arm.manifest }), async ({ host }) => {
    const words = await refused(client(host).registry.resolve(AMD64))
    assert.match(words, /the image is for linux\/arm64, not for linux\/amd64\nhint: --platform linux\/arm64 /)
    await client(host).registry.resolve({ os: 'linux', architecture: 'arm64' })
  }),
)

test(
  'a redirect on the same origin keeps the credentials; a loop ends',
  withServer(
    behind(
      BASIC,
      () => 'Basic realm="x"',
      (request, response, count) => {
        if (request.url.endsWith('/manifests/latest') || request.url.includes('loop')) {
          response.statusCode = 308
          response.setHeader('Location', request.url.replace('latest', image.digest))
          response.end()
        } else plain(request, response, count)
      },
    ),
    async ({ host, asked }) => {
      const options = { credentials: found(PASSWORD) }
      assert.is((await client(host, {}, options).registry.resolve(AMD64)).digest, image.digest)
      assert.match(
        await refused(client(host, { tag: 'loop' }, options).registry.resolve(AMD64)),
        /more than 10 redirects/,
      )
      assert.ok(asked.length < 30)
    },
  ),
)

for (const [location, words] of Object.entries({
  'http://example.invalid/x': /plain http to example\.invalid is not safe/,
  'http://user:word@127.0.0.1/x': /redirect to an address with a password/,
  'file:///etc/passwd': /redirect from http:\/\/ to file:\/\//,
  'http://': /redirect \(302\) without an address/,
  '': /redirect \(302\) without an address/,
}))
  test(
    `a redirect to '${location}' is not followed`,
    withServer(
      (_, response) => {
        response.statusCode = 302
        response.setHeader('Location', location)
        response.end()
      },
      async ({ host }) => assert.match(await refused(client(host).registry.resolve(AMD64)), words),
    ),
  )

test(
  'a busy server is asked again, after the time that it names',
  withServer(
    (request, response, count) => {
      if (count > 3) return plain(request, response, count)
      response.statusCode = count % 2 === 0 ? 429 : 503
      response.setHeader('Retry-After', count === 2 ? new Date(Date.now() + 30_000).toUTCString() : '7')
      response.end()
    },
    async ({ host }) => {
      const { registry, waits } = client(host)
      await registry.resolve(AMD64)
      assert.equal(
        waits.map(({ reason }) => reason),
        ['429 Too Many Requests', '503 Service Unavailable', '429 Too Many Requests', '503 Service Unavailable'],
      )
      assert.equal(
        waits.map(({ seconds }) => seconds >= 7 && seconds <= 30),
        [true, true, true, true],
      )
    },
  ),
)

test(
  'a server that stays busy, or asks for an hour, ends the pull',
  withServer(
    ({ url }, response) => {
      response.statusCode = 429
      if (url.includes('hour')) response.setHeader('Retry-After', '3600')
      response.end('{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down \\u001b[2J"}]}')
    },
    async ({ host, asked }) => {
      const { registry, waits } = client(host)
      const words = await refused(registry.resolve(AMD64))
      assert.match(words, /429 Too Many Requests: slow down \\x1b\[2J\nhint: .* try again later/)
      assert.is(waits.length, 4)
      const before = asked.length
      assert.match(await refused(client(host, { tag: 'hour' }).registry.resolve(AMD64)), /asks to wait 3600 s/)
      assert.is(asked.length - before, 1)
    },
  ),
)

test(
  'what a server says beside an error status is short and bounded',
  withServer(
    ({ url }, response) => {
      response.statusCode = 404
      if (url.endsWith('huge')) response.end('{"errors":[{"message":"' + 'x'.repeat(1 << 20) + '"}]}')
      else if (url.endsWith('html')) response.end('<html>')
      else response.end(`{"errors":[{"message":"${'x'.repeat(5000)}"}]}`)
    },
    async ({ host }) => {
      assert.match(await refused(client(host, { tag: 'huge' }).registry.resolve(AMD64)), /404 Not Found\nhint: check/)
      assert.match(await refused(client(host, { tag: 'html' }).registry.resolve(AMD64)), /404 Not Found\nhint: check/)
      assert.match(await refused(client(host, { tag: 'long' }).registry.resolve(AMD64)), /404 Not Found: x{200}\n/)
    },
  ),
)

const documents: Record<string, [string, RegExp]> = {
  'that is not JSON': ['<html>', /manifest is not JSON/],
  'of the first schema': ['{"schemaVersion":1}', /schema version 1/],
  'that is larger than manifests are': [`"${'x'.repeat(5 << 20)}"`, /the manifest has more than 4194304 bytes/],
}
for (const [name, [text, words]] of Object.entries(documents))
  test(
    `a manifest ${name} is refused`,
    withServer(
      (_, response) => void response.end(text),
      async ({ host }) => assert.match(await refused(client(host).registry.resolve(AMD64)), words),
    ),
  )

test(
  'a manifest or a configuration with another digest is refused',
  withServer(
    (request, response, count) => {
      if (/sha256:f+$|blobs/.test(request.url)) response.end(image.manifest.slice(0, image.config.length))
      else plain(request, response, count)
    },
    async ({ host }) => {
      const digest = `sha256:${'f'.repeat(64)}`
      const pinned = await refused(client(host, { digest }).registry.resolve(AMD64))
      assert.match(pinned, new RegExp(`the manifest has the digest sha256:[0-9a-f]{64} instead of ${digest}`))
      assert.match(await refused(client(host).registry.resolve(AMD64)), /the configuration is not what its digest/)
    },
  ),
)

/** A server that sends these bytes, whatever it is asked. */
async function raw(answer: (path: string) => string, body: (host: string) => Promise<void>): Promise<void> {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (data) => {
      socket.end(answer(String(data).split(' ')[1] ?? ''))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await body(`127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.close()
  }
}

test('garbage, a connection that ends, and headers without end are errors', async () => {
  const answers: Record<string, string> = {
    garbage: 'hello\r\n\r\n',
    nothing: '',
    headers: `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(4 << 20)}\r\n\r\n`,
    cut: 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{',
  }
  await raw(
    (path) => answers[path.split('/').at(-1) ?? ''] ?? '',
    async (host) => {
      for (const tag of Object.keys(answers)) {
        const words = await refused(client(host, { tag }).registry.resolve(AMD64))
        assert.match(words, new RegExp(`^SandboxError: image: pull: ${host}/team/app:${tag}: ${host}`), words)
        assert.not.match(words, /verbose/)
      }
    },
  )
})

test('plain http goes to loopback alone, and elsewhere only where it is allowed', async () => {
  const asked: string[] = []
  const fetch = async (url: string): Promise<Response> => {
    asked.push(url)
    throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) })
  }
  const words = await refused(client('registry.example', {}, { fetch }).registry.resolve(AMD64))
  assert.match(words, /registry\.example closed the connection\nhint: a server that speaks plain http needs --insecure/)
  assert.ok(asked.length > 1 && asked.every((url) => url.startsWith('https://registry.example/')))
  await refused(client('registry.example', {}, { fetch, insecure: true }).registry.resolve(AMD64))
  assert.ok(asked.includes('http://registry.example/v2/team/app/manifests/latest'), asked.join())
})

test(
  'a server elsewhere that speaks plain http is not asked so, and the hint says what allows it',
  withServer(plain, async ({ host, asked }) => {
    const there = (url: string, init: RequestInit) => fetch(url.replace('registry.example', host), init)
    const words = await refused(client('registry.example', {}, { fetch: there }).registry.resolve(AMD64))
    assert.match(words, /registry\.example (does not answer as https does|closed the connection)\nhint: .*--insecure$/)
    assert.is(asked.length, 0)
    await client('registry.example', {}, { fetch: there, insecure: true }).registry.resolve(AMD64)
  }),
)

test('what is for this machine goes to no proxy, and the rest to that of the environment', async () => {
  const asked: string[] = []
  await raw(
    (path) => {
      asked.push(path)
      return 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'
    },
    async (proxy) => {
      const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'NO_PROXY', 'no_proxy']
      const before = names.map((name) => [name, process.env[name]] as const)
      for (const name of names) {
        if (/no_/i.test(name)) delete process.env[name]
        else process.env[name] = `http://${proxy}`
      }
      try {
        await withServer(plain, async ({ host }) => void (await client(host).registry.resolve(AMD64)))()
        assert.equal(asked, [])
        // Node reads these variables from version 24 on.
        if (!('Bun' in globalThis)) return
        const words = await refused(client('registry.invalid').registry.resolve(AMD64))
        assert.match(words, /registry\.invalid: .*(tunnel|403)/i)
        assert.equal(new Set(asked), new Set(['registry.invalid:443']))
      } finally {
        for (const [name, value] of before) {
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        }
      }
    },
  )
})

test('an aborted pull rejects with the reason, also while a server is silent or is waited for', async () => {
  const reason = new Error('enough')
  const silent: Handler = ({ url }, response) => {
    if (url.endsWith('half')) response.write('{')
    else if (url.endsWith('busy')) {
      response.statusCode = 503
      response.end()
    }
  }
  for (const tag of ['silent', 'half', 'busy'])
    await withServer(silent, async ({ host, asked }) => {
      const control = new AbortController()
      const { registry } = client(host, { tag }, { signal: control.signal, pause: undefined as never })
      const pull = registry.resolve(AMD64)
      const abort = setInterval(() => asked.length > 0 && control.abort(reason), 5)
      assert.is(await pull.catch((error: unknown) => error), reason)
      clearInterval(abort)
    })()
})

test(
  'a server that sends nothing for too long counts as broken',
  withServer(
    (_, response) => void response.write('{'),
    async ({ host }) => {
      const words = await refused(client(host, {}, { idleSeconds: 0.2 }).registry.resolve(AMD64))
      assert.match(words, /the server sent nothing for 0\.2 s/)
    },
  ),
)

test.run()
