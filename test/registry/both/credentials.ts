/** Which credentials go to a host, from the files and the helpers of docker and the containers tools. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findCredentials } from '../../../src/image/credentials.ts'
import { refused } from './fake.ts'

const HOST = 'registry.example:5000'
const encoded = (text: string): string => Buffer.from(text).toString('base64')
const login = (user: string) => ({ auth: encoded(`${user}:word of ${user}`) })
const passwordOf = (user: string) => ({ username: user, password: `word of ${user}` })

type Home = { home: string; write: (name: string, content: unknown) => string; env: Record<string, string> }

/** An empty home directory, and an environment that names nothing else. */
const atHome = (body: (home: Home) => Promise<void>) => async () => {
  const home = mkdtempSync(join(tmpdir(), 'nsbox-'))
  const write = (name: string, content: unknown): string => {
    const path = join(home, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  try {
    await body({ home, write, env: { HOME: home, PATH: '/usr/bin:/bin' } })
  } finally {
    rmSync(home, { recursive: true })
  }
}

/** No user has this id, so `/run/containers` has nothing. */
const find = (env: Record<string, string>, host = HOST, name = 'team/app') =>
  findCredentials(host, name, { env, uid: 4_000_000_000 })
const credentialsIn = async (env: Record<string, string>, host?: string, name?: string) =>
  (await find(env, host, name)).credentials

test(
  'the first file that has some counts, in the order that its tools have',
  atHome(async ({ home, write, env }) => {
    const files = {
      docker: write('.docker/config.json', { auths: { [HOST]: login('docker') } }),
      config: write('.config/containers/auth.json', { auths: { [HOST]: login('config') } }),
      xdg: write('xdg/containers/auth.json', { auths: { [HOST]: login('xdg') } }),
      runtime: write('run/containers/auth.json', { auths: { [HOST]: login('runtime') } }),
      named: write('d/config.json', { auths: { [HOST]: login('named') } }),
      only: write('only.json', { auths: { [HOST]: login('only') } }),
    }
    let more: Record<string, string> = { ...env }
    const steps: [keyof typeof files, Record<string, string>][] = [
      ['config', {}],
      ['xdg', { XDG_CONFIG_HOME: join(home, 'xdg') }],
      ['runtime', { XDG_RUNTIME_DIR: join(home, 'run') }],
      ['named', { DOCKER_CONFIG: join(home, 'd') }],
      ['only', { REGISTRY_AUTH_FILE: files.only }],
    ]
    for (const [user, added] of steps) {
      more = { ...more, ...added }
      const { credentials, source } = await find(more)
      assert.equal(credentials, passwordOf(user))
      assert.is(source, files[user])
    }
    rmSync(files.config)
    assert.equal(await credentialsIn(env), passwordOf('docker'))
    const none = await find(env, 'other.example')
    assert.is(none.credentials, undefined)
    assert.equal(none.looked, [
      '/run/containers/4000000000/auth.json',
      join(home, '.config/containers/auth.json'),
      files.docker,
    ])
  }),
)

test(
  'a file that a variable names must be there; relative directories of XDG do not count',
  atHome(async ({ home, write, env }) => {
    const gone = join(home, 'gone.json')
    assert.match(
      await refused(find({ ...env, REGISTRY_AUTH_FILE: gone })),
      new RegExp(`image: read credentials: ${gone}: No such file or directory \\(ENOENT\\)`),
    )
    write('here/containers/auth.json', { auths: { [HOST]: login('evil') } })
    const before = process.cwd()
    process.chdir(home)
    try {
      assert.is(
        await credentialsIn({ PATH: '', XDG_RUNTIME_DIR: 'here', XDG_CONFIG_HOME: 'here', HOME: '.' }),
        undefined,
      )
    } finally {
      process.chdir(before)
    }
  }),
)

test(
  'credentials are for the host that they name, and for the longest part of the name',
  atHome(async ({ write, env }) => {
    write('.docker/config.json', {
      auths: {
        [HOST]: login('host'),
        [`${HOST}/team`]: login('team'),
        [`${HOST}/team/app`]: login('app'),
        'registry.example': login('portless'),
        'https://old.example/v1/': login('old'),
        'https://old.example.evil.example': login('evil'),
        'slash.example/v2/': login('slash'),
        'namespace.example/team': login('namespace'),
      },
    })
    const users: [host: string, name: string, user: string | undefined][] = [
      [HOST, 'team/app', 'app'],
      [HOST, 'team/application', 'team'],
      [HOST, 'teams/app', 'host'],
      ['registry.example', 'team/app', 'portless'],
      ['registry.example:5001', 'team/app', undefined],
      ['xregistry.example', 'team/app', undefined],
      ['example', 'team/app', undefined],
      ['old.example', 'x', 'old'],
      ['slash.example', 'x', 'slash'],
      ['namespace.example', 'other/app', undefined],
      ['namespace.example', 'team/app', 'namespace'],
      ['__proto__', 'x', undefined],
    ]
    for (const [host, name, user] of users)
      assert.equal(await credentialsIn(env, host, name), user && passwordOf(user), `${host}/${name}`)
  }),
)

test(
  'an entry has a password, an identity token, or a token',
  atHome(async ({ write, env }) => {
    write('.docker/config.json', {
      auths: {
        a: { username: 'ann', password: 'p:ss' },
        b: { auth: encoded('ann:p:ss\0\0') },
        c: { auth: encoded('00000000-0000-0000-0000-000000000000:'), identitytoken: 'r3fresh' },
        d: { registrytoken: 't0k3n' },
        e: {},
        f: { auth: '' },
      },
    })
    const expected = {
      a: { username: 'ann', password: 'p:ss' },
      b: { username: 'ann', password: 'p:ss' },
      c: { identityToken: 'r3fresh' },
      d: { token: 't0k3n' },
      e: undefined,
      f: undefined,
    }
    for (const [host, credentials] of Object.entries(expected))
      assert.equal(await credentialsIn(env, host), credentials, host)
  }),
)

test(
  'a file that is broken is named, and none of its text is shown',
  atHome(async ({ home, write, env }) => {
    const path = write('.docker/config.json', '{"auths": {"a": s3cret')
    assert.match(await refused(find(env)), new RegExp(`image: read credentials: ${path}: is not a JSON object$`))
    write('.docker/config.json', '[]')
    assert.match(await refused(find(env)), /is not a JSON object$/)
    write('.docker/config.json', { auths: { [HOST]: { auth: encoded('s3cret') } } })
    const words = await refused(find(env))
    assert.match(words, /"auth" of registry\.example:5000 is not USER:PASSWORD in base64$/)
    assert.not.match(words, new RegExp(`s3cret|${encoded('s3cret')}`))
    write('.docker/config.json', { auths: { [HOST]: 's3cret' } })
    assert.match(await refused(find(env)), /has no object for registry\.example:5000$/)
    write('.docker/config.json', ' '.repeat((1 << 20) + 1))
    assert.match(await refused(find(env)), /has more than 1048576 bytes$/)
    rmSync(path)
    mkdirSync(path)
    assert.match(await refused(find(env)), /is not a regular file$/)
    assert.is(await credentialsIn({ ...env, HOME: join(home, 'none') }), undefined)
  }),
)

/** A helper that notes how it was started, and answers by this script. */
function helper({ home, write }: Home, directory: string, name: string, script: string): string {
  const path = write(
    `${directory}/docker-credential-${name}`,
    `#!/bin/sh\nread host; { pwd; echo "$1 $host"; } >"${home}/asked"\n${script}\n`,
  )
  chmodSync(path, 0o755)
  return join(home, directory)
}

const answer = (user: string, secret: string): string =>
  `echo '{"ServerURL":"x","Username":"${user}","Secret":"${secret}"}'`

test(
  'a helper of the host comes before the store, and both before what else the file has',
  atHome(async (at) => {
    const { home, write, env } = at
    const bin = helper(at, 'bin', 'own', answer('ann', 'from own'))
    helper(at, 'bin', 'all', answer('bob', 'from all'))
    helper(at, 'bin', 'token', answer('<token>', 'r3fresh'))
    helper(at, 'bin', 'none', 'echo "credentials not found in native keychain"; exit 1')
    const PATH = `relative:${bin}:/usr/bin:/bin`
    const path = write('.docker/config.json', {
      auths: { [HOST]: login('file'), 'none.example': login('none') },
      credHelpers: { [HOST]: 'own', 'token.example': 'token', 'none.example': 'none' },
      credsStore: 'all',
    })
    const found = await find({ ...env, PATH })
    assert.equal(found.credentials, { username: 'ann', password: 'from own' })
    assert.is(found.source, `docker-credential-own, which ${path} names`)
    assert.is(readFileSync(join(home, 'asked'), 'utf8'), `/\nget ${HOST}\n`)
    assert.equal(await credentialsIn({ ...env, PATH }, 'token.example'), { identityToken: 'r3fresh' })
    assert.equal(await credentialsIn({ ...env, PATH }, 'none.example'), passwordOf('none'))
    assert.equal(await credentialsIn({ ...env, PATH }, 'other.example'), { username: 'bob', password: 'from all' })
  }),
)

test(
  'a helper is never taken from the current directory, nor by a name that is a path',
  atHome(async (at) => {
    const { home, write, env } = at
    helper(at, '.', 'evil', answer('eve', 'x'))
    helper(at, 'sub', 'evil', answer('eve', 'x'))
    write('.docker/config.json', {
      credHelpers: { [HOST]: 'evil', 'path.example': 'x/../../sub/docker-credential-evil' },
    })
    const before = process.cwd()
    process.chdir(home)
    try {
      for (const PATH of ['', '.', ':/usr/bin', '/usr/bin:', 'sub:./sub:../x/sub', '/usr/bin::/bin'])
        assert.match(
          await refused(find({ ...env, PATH })),
          /image: credentials: registry\.example:5000: docker-credential-evil, which .* names, is not in PATH\nhint: .* absolute/,
        )
      assert.match(await refused(find(env, 'path.example')), /it is not the name of a helper$/)
    } finally {
      process.chdir(before)
    }
    assert.not(existsSync(join(home, 'asked')))
  }),
)

test(
  'a store that is not there is left out, and the note for a refusal says so',
  atHome(async ({ write, env }) => {
    write('.docker/config.json', { auths: { [HOST]: {} }, credsStore: 'desktop.exe' })
    const { credentials, notes } = await find(env)
    assert.is(credentials, undefined)
    assert.match(notes.join(), /^docker-credential-desktop\.exe, which .* names, is not in PATH$/)
  }),
)

test(
  'a helper that fails, says too much, or nothing that is understood, is an error',
  atHome(async (at) => {
    const { write, env } = at
    const bin = helper(at, 'bin', 'fails', 'echo "the keyring is locked" >&2; exit 3')
    helper(at, 'bin', 'silent', 'exit 4')
    helper(at, 'bin', 'words', 'echo hello')
    helper(at, 'bin', 'much', 'yes')
    helper(at, 'bin', 'killed', 'kill -9 $$')
    const expected = {
      fails: /docker-credential-fails: the keyring is locked$/,
      silent: /docker-credential-silent: status 4$/,
      words: /docker-credential-words: its answer is not \{"Username": \.\.\., "Secret": \.\.\.\}$/,
      much: /docker-credential-much: its answer has more than 65536 bytes$/,
      killed: /docker-credential-killed: status SIGKILL$/,
    }
    for (const [name, words] of Object.entries(expected)) {
      write('.docker/config.json', { credHelpers: { [HOST]: name } })
      assert.match(await refused(find({ ...env, PATH: `${bin}:/usr/bin:/bin` })), words)
    }
  }),
)

test(
  'an aborted search ends the helper',
  atHome(async (at) => {
    const { home, write, env } = at
    const bin = helper(
      at,
      'bin',
      'slow',
      `echo $$ >"${at.home}/pid.new"; mv "${at.home}/pid.new" "${at.home}/pid"; exec sleep 1000`,
    )
    write('.docker/config.json', { credHelpers: { [HOST]: 'slow' } })
    const control = new AbortController()
    const reason = new Error('enough')
    const caller = { env: { ...env, PATH: `${bin}:/usr/bin:/bin` }, uid: 0, signal: control.signal }
    const timer = setInterval(() => existsSync(join(home, 'pid')) && control.abort(reason), 5)
    const error = await findCredentials(HOST, 'x', { ...caller, uid: 4_000_000_000 }).catch((thrown: unknown) => thrown)
    clearInterval(timer)
    assert.is(error, reason)
    const pid = Number(readFileSync(join(home, 'pid'), 'utf8'))
    for (let tries = 0; tries < 400 && isAlive(pid); tries++) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.not(isAlive(pid))
  }),
)

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test.run()
