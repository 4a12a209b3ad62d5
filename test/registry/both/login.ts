/** Credentials and tokens: who gets them, and what a client without them says. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { FoundCredentials } from '../../../src/image/credentials.ts'
import { AMD64, client, refused, serve, withServer, type Handler } from './fake.ts'
import { BASIC, behind, found, PASSWORD, plain } from './team.ts'

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
      assert.match(none, /there are no credentials for 127.*looked in \/nowhere\/config\.json\)/)
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
        else assert.match(await refused(pull), /401 Unauthorized|the address of the token server is malformed/)
      },
    )()
})

for (const [name, realm, words] of [
  ['by plain http elsewhere', 'http://example.invalid/token', /plain http to example\.invalid is not safe/],
  ['with a password in it', 'http://a:b@127.0.0.1/token', /address of the token server has a password/],
  ['of another protocol', 'ftp://example.invalid/token', /the address of the token server is malformed: ftp:/],
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

test.run()
