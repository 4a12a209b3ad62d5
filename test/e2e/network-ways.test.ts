/** All that makes a box makes one with hosts by name: profiles, what enters, images, programs of Java and ssh. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, execute, inTemp, nsbox, NSBOX } from '../helpers/nsbox.ts'
import { nsboxAmong, serve } from '../helpers/named-hosts.ts'

const HOSTS = '127.0.0.1 registry.test\n'

test(
  'a command that enters the box shares its network, and what it connects to is an event of the box',
  inTemp(async (dir) => {
    const server = await serve((_, response) => response.end('hello\n'))
    const script = `"$0" "$@" --name entered$$ --cwd / sh -c 'touch ${dir}/ready; exec sleep 60' & box=$!
      while [ ! -e ${dir}/ready ]; do sleep 0.02; done
      "$0" enter $box --cwd / curl -sS http://registry.test:${server.port}/; "$0" enter $box --cwd / curl -sS http://other.test/ 2>/dev/null; echo $?
      kill $box; wait $box; true`
    try {
      const options = ['--allow-host', `registry.test:${server.port}`, '--allow-private', '--status-fd', '3']
      const { status, stdout, stderr, events } = await nsboxAmong(dir, HOSTS, ['-c', script, NSBOX, ...options], {
        program: '/bin/sh',
      })
      assert.is(status, 0, stderr)
      assert.is(stdout, 'hello\n6\n')
      assert.equal(
        events
          .filter(({ event }) => event !== 'start' && event !== 'exit')
          .map(({ event, host }) => `${event} ${host}`),
        ['connect registry.test', 'resolve other.test'],
      )
    } finally {
      server.close()
    }
  }),
)

test(
  'a profile has the same keys as a program, and the command line adds to them',
  inTemp((dir) => {
    const profile = join(dir, 'profile.json')
    writeFileSync(profile, '{ "allowHosts": ["A.example", "b.example:22"], "checkSni": true, "publish": "1:2" }')
    const { stdout, stderr } = nsbox(['plan', '--profile', profile, '--allow-host', 'c.example', 'true'])
    assert.equal(JSON.parse(stdout || `"${stderr}"`).helpers, [
      {
        part: 'net',
        argv: 'nsbox-net --allow a.example:443 --allow b.example:22 --allow c.example:443 --check-sni --publish 127.0.0.1:1:2'.split(
          ' ',
        ),
        ends: 'box',
      },
    ])
    const { status } = nsbox(['--profile', profile, '--net', 'host', 'true'])
    assert.is(status, 2)
  }),
)

test(
  'a root of its own reaches an allowed host, by the C library of busybox too',
  inTemp(async (dir) => {
    const server = await serve((_, response) => response.end('hello\n'))
    const root = busyboxRoot(join(dir, 'root'), ['proc', 'dev', 'tmp', 'etc'])
    try {
      for (const options of [[], ['--overlay']]) {
        const { stdout, stderr } = await nsboxAmong(dir, HOSTS, [
          ...[
            '--root',
            root,
            ...options,
            '--allow-host',
            `registry.test:${server.port}`,
            '--allow-private',
            '--cwd',
            '/',
          ],
          ...['busybox', 'wget', '-qO-', `http://registry.test:${server.port}/`],
        ])
        assert.is(stdout, 'hello\n', stderr)
      }
    } finally {
      server.close()
    }
  }),
)

test(
  'an image has the same files in place of its own, and its own layers stay as they are',
  inTemp(async (dir) => {
    const server = await serve((_, response) => response.end('hello\n'))
    const root = busyboxRoot(join(dir, 'root'), ['proc', 'dev', 'tmp', 'etc'])
    writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: files\nhosts: files resolve\n')
    const image = join(dir, 'image.tar')
    assert.is(execute('tar', ['-C', root, '-cf', image, '.']).status, 0)
    const cache = join(dir, 'cache')
    mkdirSync(cache, { mode: 0o700 })
    try {
      const { stdout, stderr } = await nsboxAmong(
        dir,
        HOSTS,
        [
          ...[
            '--image',
            image,
            '--hostname',
            'inside',
            '--allow-host',
            `registry.test:${server.port}`,
            '--allow-private',
          ],
          ...[
            'sh',
            '-c',
            `cat /etc/resolv.conf /etc/hosts /etc/nsswitch.conf /etc/hostname; busybox wget -qO- http://registry.test:${server.port}/`,
          ],
        ],
        { env: { ...process.env, NSBOX_CACHE: cache } },
      )
      assert.is(
        stdout,
        'nameserver 198.18.0.1\nsearch .\noptions timeout:2 attempts:2\n127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 inside\npasswd: files\nhosts: files dns\ninside\nhello\n',
        stderr,
      )
    } finally {
      server.close()
    }
  }),
)

test(
  'explain says which hosts the box reaches, and which sockets are a way past them',
  inTemp(async (dir) => {
    const path = join(dir, 'socket')
    const server = createServer().listen(path)
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      const words = ['--allow-host', '*.a.example:22', '-p', '0.0.0.0:8080:80']
      const explained = (...more: string[]) =>
        nsbox(['explain', ...words, ...more, '--cwd', '/', 'true']).stdout.replace(/\s+/g, ' ')
      assert.match(explained(), 'The box can reach every host below a.example on port 22.')
      assert.match(explained(), 'Port 8080 of 0.0.0.0 here, which other machines reach too, is port 80 of the box.')
      assert.ok(explained().includes(path))
      assert.not(explained('--mask', dir).includes(`${path},`) || explained('--mask', dir).includes(`${path}.`))
      assert.match(nsbox(['explain', '--brief', ...words, 'true']).stdout, /by their names: \*\.a\.example:22/)
    } finally {
      server.close()
    }
  }),
)

test.run()
