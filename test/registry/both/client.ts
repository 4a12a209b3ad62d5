/** The registry client against servers that behave, and that don't. */
import * as net from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { FoundCredentials } from '../../../src/image/credentials.ts'
import {
  AMD64,
  client,
  contents,
  digestOf,
  fakeImage,
  fakeIndex,
  refused,
  serve,
  withServer,
  type Handler,
} from './fake.ts'

const image = fakeImage()
const arm = fakeImage('arm64')

const found = (credentials: FoundCredentials['credentials']) => async (): Promise<FoundCredentials> => ({
  ...(credentials && { credentials, source: '/home/me/auth.json' }),
  looked: ['/home/me/auth.json'],
  notes: [],
})
const PASSWORD = { username: 'ann', password: 'p:ss' }
const BASIC = `Basic ${Buffer.from('ann:p:ss').toString('base64')}`

const plain = contents([image], { latest: image.manifest })
const both = { amd64: image, arm64: arm, unknown: fakeImage('none') }
const index = fakeIndex(both)
const multi = contents(Object.values(both), { latest: index })

/** Lets pass who sends this header, and asks the others by this challenge. */
const behind =
  (authorization: string, challenge: () => string, inner: Handler = plain): Handler =>
  (request, response, count) => {
    if (request.headers.authorization === authorization) return inner(request, response, count)
    response.statusCode = 401
    response.setHeader('WWW-Authenticate', challenge())
    response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
  }

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
    assert.match(words, /the image is for linux\/arm64, and not for linux\/amd64\nhint: --platform linux\/arm64 /)
    await client(host).registry.resolve({ os: 'linux', architecture: 'arm64' })
  }),
)

test(
  'a registry that asks for a password gets it, and the next request brings it at once',
  withServer(
    behind(BASIC, () => 'Basic realm="a registry"'),
    async ({ host, asked }) => {
      await client(host, {}, { credentials: found(PASSWORD) }).registry.resolve(AMD64)
      assert.equal(
        asked.map(({ headers }) => headers.authorization),
        [undefined, BASIC, BASIC],
      )
    },
  ),
)

test(
  'without a password, and with a wrong one, the hint says where it was looked for',
  withServer(
    behind(BASIC, () => 'Basic realm="a registry"'),
    async ({ host, asked }) => {
      const none = await refused(client(host).registry.resolve(AMD64))
      assert.match(none, /image: pull: 127\.0\.0\.1:\d+\/team\/app:latest: 401 Unauthorized: authentication required\n/)
      assert.match(none, /there are no credentials for 127.*looked in \/nowhere\/config\.json/)
      const before = asked.length
      const wrong = await refused(
        client(host, {}, { credentials: found({ ...PASSWORD, password: 'no' }) }).registry.resolve(AMD64),
      )
      assert.match(wrong, /401 Unauthorized/)
      assert.match(wrong, /the credentials for 127\.0\.0\.1:\d+ are from \/home\/me\/auth\.json/)
      assert.not.match(wrong, /\bno\b(?! )|p:ss/)
      assert.is(asked.length - before, 2, 'the wrong password is sent once')
    },
  ),
)

/** Gives this token to who sends this header. */
const tokens =
  (token: string, authorization?: string): Handler =>
  ({ headers }, response) => {
    if (headers.authorization !== authorization) {
      response.statusCode = 401
      return void response.end('{"details":"incorrect username or password"}')
    }
    response.end(JSON.stringify({ token, expires_in: 60 }))
  }

test('a token is asked for with the scope, anonymously and with a password', async () => {
  for (const credentials of [undefined, PASSWORD]) {
    const tokenServer = await serve(tokens('t0k3n', credentials && BASIC))
    const challenge = () =>
      `Bearer realm="http://${tokenServer.host}/token?x=1",service="my registry",scope="repository:team/app:pull repository:team/base:pull"`
    await withServer(behind('Bearer t0k3n', challenge), async ({ host, asked }) => {
      await client(host, {}, { credentials: found(credentials) }).registry.resolve(AMD64)
      assert.ok(asked.every(({ headers }) => !headers.authorization?.startsWith('Basic')))
    })()
    await tokenServer.close()
    assert.is(tokenServer.asked.length, 1)
    const query = new URL(tokenServer.asked[0]?.url ?? '', 'http://x').searchParams
    assert.equal(query.getAll('scope'), ['repository:team/app:pull', 'repository:team/base:pull'])
    assert.is(query.get('service'), 'my registry')
    assert.is(query.get('x'), '1')
    assert.is(query.get('account'), credentials?.username ?? null)
  }
})

test('an identity token is exchanged by POST, and a token for the registry is sent as it is', async () => {
  const tokenServer = await serve(({ method, body }, response) => {
    const form = new URLSearchParams(body)
    const isRight = method === 'POST' && form.get('refresh_token') === 'r3fresh' && form.get('scope') !== null
    response.statusCode = isRight ? 200 : 400
    response.end('{"access_token":"t0k3n"}')
  })
  await withServer(
    behind('Bearer t0k3n', () => `Bearer realm="http://${tokenServer.host}/token",service="s"`),
    async ({ host }) => {
      await client(host, {}, { credentials: found({ identityToken: 'r3fresh' }) }).registry.resolve(AMD64)
      await client(host, {}, { credentials: found({ token: 't0k3n' }) }).registry.resolve(AMD64)
    },
  )()
  await tokenServer.close()
  assert.is(tokenServer.asked.length, 1)
})

test('a token that runs out is replaced', async () => {
  let given = 0
  const used = new Set<number>()
  const tokenServer = await serve((_, response) => void response.end(JSON.stringify({ token: `t${++given}` })))
  await withServer(
    (request, response, count) => {
      // Each token is good for one request.
      const { authorization } = request.headers
      const isGood = authorization === `Bearer t${given}` && !used.has(given)
      if (isGood) used.add(given)
      return behind(isGood ? `Bearer t${given}` : '-', () => `Bearer realm="http://${tokenServer.host}/token"`)(
        request,
        response,
        count,
      )
    },
    async ({ host }) => void (await client(host).registry.resolve(AMD64)),
  )()
  await tokenServer.close()
  assert.is(given, 2)
})

test('a token server of another domain gets no credentials, and the hint says so', async () => {
  const tokenServer = await serve(tokens('t0k3n', BASIC))
  await withServer(
    behind('Bearer t0k3n', () => `Bearer realm="http://localhost:${tokenServer.port}/token"`),
    async ({ host }) => {
      const asked: string[] = []
      const credentials = async (of: string): Promise<FoundCredentials> => {
        asked.push(of)
        return of === host ? found(PASSWORD)() : found(undefined)()
      }
      const words = await refused(client(host, {}, { credentials }).registry.resolve(AMD64))
      assert.match(words, /token server localhost:\d+: 401 Unauthorized: incorrect username or password/)
      assert.match(words, /credentials for 127\.0\.0\.1:\d+ are not sent to localhost:\d+, which is another domain/)
      assert.equal(asked, [host, `localhost:${tokenServer.port}`])
      // Its own are sent.
      await client(host, {}, { credentials: found(PASSWORD) }).registry.resolve(AMD64)
    },
  )()
  await tokenServer.close()
  assert.equal(
    tokenServer.asked.map(({ headers }) => headers.authorization),
    [undefined, BASIC],
  )
})

test(
  'CVE-2020-15157: the origin that a redirect leads to sees no credentials, and its challenge is not answered',
  withServer(plain, async (storage) => {
    const registry = await serve(
      behind(
        BASIC,
        () => 'Basic realm="x"',
        ({ url }, response) => {
          response.statusCode = 307
          response.setHeader('Location', `http://${storage.host}${url}`)
          response.end()
        },
      ),
    )
    const greedy = await serve((_, response) => {
      response.statusCode = 401
      response.setHeader('WWW-Authenticate', 'Basic realm="give it to me"')
      response.end()
    })
    const leading = await serve((_, response) => {
      response.statusCode = 302
      response.setHeader('Location', `http://${greedy.host}/v2/`)
      response.end()
    })
    try {
      await client(registry.host, {}, { credentials: found(PASSWORD) }).registry.resolve(AMD64)
      assert.is(storage.asked.length, 2)
      assert.ok(storage.asked.every(({ headers }) => headers.authorization === undefined))
      const words = await refused(client(leading.host, {}, { credentials: found(PASSWORD) }).registry.resolve(AMD64))
      assert.match(words, new RegExp(`${greedy.host}: 401 Unauthorized`))
      assert.ok(greedy.asked.every(({ headers }) => headers.authorization === undefined))
    } finally {
      for (const server of [registry, greedy, leading]) await server.close()
    }
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
  'http://': /redirect \(302\) to no address/,
  '': /redirect \(302\) to no address/,
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
      assert.match(await refused(client(host, { tag: 'huge' }).registry.resolve(AMD64)), /404 Not Found\nhint: compare/)
      assert.match(await refused(client(host, { tag: 'html' }).registry.resolve(AMD64)), /404 Not Found\nhint: compare/)
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

test('a challenge of any form is read, or leads to the refusal', async () => {
  const challenges: Record<string, boolean> = {
    'Basic realm="a", Bearer realm="x"': false,
    'Negotiate, Basic realm="a \\"b\\", c"': true,
    basic: true,
    'Digest realm="a"': false,
    '': false,
    '"': false,
    [`Basic ${'a'.repeat(9000)}`]: false,
  }
  for (const [challenge, isAnswered] of Object.entries(challenges))
    await withServer(
      behind(BASIC, () => challenge),
      async ({ host }) => {
        const pull = client(host, {}, { credentials: found(PASSWORD) }).registry.resolve(AMD64)
        if (isAnswered) await pull
        else assert.match(await refused(pull), /401 Unauthorized|the token server is no address/)
      },
    )()
})

for (const [name, realm, words] of [
  ['by plain http elsewhere', 'http://example.invalid/token', /plain http to example\.invalid is not safe/],
  ['with a password in it', 'http://a:b@127.0.0.1/token', /address of the token server has a password/],
  ['of another protocol', 'ftp://example.invalid/token', /the token server is no address: ftp:/],
] as const)
  test(
    `a token server ${name} is not asked`,
    withServer(
      behind('-', () => `Bearer realm="${realm}"`),
      async ({ host }) =>
        assert.match(await refused(client(host, {}, { credentials: found(PASSWORD) }).registry.resolve(AMD64)), words),
    ),
  )

test('a token server that gives no token is an error', async () => {
  for (const body of ['{}', '[]', 'x', '{"token":"a\\nb"}', '{"token":7}', `{"token":"${'x'.repeat(2 << 20)}"}`]) {
    const tokenServer = await serve((_, response) => void response.end(body))
    await withServer(
      behind('-', () => `Bearer realm="http://${tokenServer.host}/"`),
      async ({ host }) =>
        assert.match(
          await refused(client(host).registry.resolve(AMD64)),
          /the token server 127\.0\.0\.1:\d+ has (no token|more than 1048576 bytes)/,
        ),
    )()
    await tokenServer.close()
  }
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
