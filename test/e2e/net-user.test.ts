/**
 * --net user in a world of its own: a network namespace that stands for the host's network, with servers outside and on
 * its loopback. Only root can make it, with a /dev/net/tun for everybody, and be an ordinary user in it.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, nsbox, NSBOX } from '../helpers/nsbox.ts'

const testPasta = asRoot && existsSync('/usr/bin/pasta') ? test : test.skip

const SERVER = `
import socket, sys, threading
def serve(address):
    server = socket.create_server((address, 80))
    while True:
        connection, _ = server.accept()
        connection.sendall(b'at ' + address.encode() + b'\\n')
        connection.close()
def answer(address):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, 53))
    while True:
        query, sender = server.recvfrom(2000)
        end = query.index(b'\\0', 12) + 5
        data = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\0\\0\\4' + socket.inet_aton('93.184.216.34') if query[end - 3] == 1 else b''
        server.sendto(query[:2] + b'\\x81\\x80\\0\\1\\0' + (b'\\1' if data else b'\\0') + b'\\0\\0\\0\\0' + query[12:end] + data, sender)
for address in ('93.184.216.34', '127.0.0.1'):
    threading.Thread(target=serve, args=(address,)).start()
threading.Thread(target=answer, args=('127.0.0.53',)).start()
print('there', flush=True)
`
const WORLD = `
ip link set lo up && ip addr add 93.184.216.34/32 dev lo && ip link add out0 type veth peer name out1 &&
ip link set out0 up && ip link set out1 up && ip addr add 192.0.2.2/24 dev out0 && ip route add default via 192.0.2.1 &&
mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 && mount --bind "$PLACE/resolv.conf" /etc/resolv.conf &&
{ python3 -c "$SERVER" >"$PLACE/there" & } && while ! test -s "$PLACE/there"; do sleep 0.05; done
`

type Ran = ReturnType<typeof execute>

/** Runs a shell script in a world. What it starts ends with it. */
function inWorld(dir: string, script: string): Ran {
  writeFileSync(join(dir, 'resolv.conf'), 'search corp.test\nnameserver 127.0.0.53\noptions edns0\n')
  return execute(
    'unshare',
    ['--net', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child', 'sh', '-c', `${WORLD}${script}`],
    {
      env: { ...process.env, PLACE: dir, SERVER, NSBOX },
    },
  )
}

/** A connection that says what came, or that there was none. */
const talk = (address: string) =>
  `python3 -c "import socket; print(socket.create_connection(('${address}', 80), 5).recv(99).decode().strip())" 2>/dev/null || echo none`

const ways = [
  { caller: 'root', before: '' },
  { caller: 'root with --userns', before: '', options: '--userns' },
  { caller: 'an ordinary user', before: 'setpriv --reuid 4242 --regid 4242 --clear-groups' },
]

for (const { caller, before, options = '' } of ways)
  testPasta(
    `a box of ${caller} reaches a host by its name and address, and nothing on this machine's loopback`,
    inTemp((dir) => {
      const script = `cat /etc/resolv.conf; ${talk('93.184.216.34')}; ${talk('named.test')}; ${talk('127.0.0.1')}; ${talk('192.0.2.2')}`
      writeFileSync(join(dir, 'script'), script)
      const { status, stdout, stderr } = inWorld(
        dir,
        `cd / && ${before} "$NSBOX" --net user ${options} sh -c "$(cat "$PLACE/script")"`,
      )
      assert.is(stderr, '')
      assert.is(status, 0)
      assert.is(
        stdout,
        'search corp.test\nnameserver 198.18.0.1\noptions edns0\nat 93.184.216.34\nat 93.184.216.34\nnone\nnone\n',
      )
    }),
  )

testPasta(
  'ports of the box are published beside it, and a stored and a baked box have the same network',
  inTemp((dir) => {
    const look = `cat /etc/resolv.conf; ${talk('named.test')}`
    const server = `${talk('93.184.216.34')}; python3 -c "import socket; to, _ = socket.create_server(('', 80)).accept(); to.sendall(b'inside'); to.close()"`
    writeFileSync(join(dir, 'look'), look)
    writeFileSync(join(dir, 'serve'), server)
    const { status, stdout, stderr } = inWorld(
      dir,
      `cd / && "$NSBOX" plan --net user sh "$PLACE/look" >"$PLACE/plan" && "$NSBOX" run --plan "$PLACE/plan" &&
       "$NSBOX" bake -o "$PLACE/baked" --net user sh "$PLACE/look" >/dev/null && "$PLACE/baked" &&
       { "$NSBOX" --net user -p 8080:80 sh "$PLACE/serve" & box=$!; } &&
       while ! python3 -c "import socket; print(socket.create_connection(('127.0.0.1', 8080), 5).recv(99).decode() or 1 / 0)" 2>/dev/null; do kill -0 $box || break; sleep 0.2; done; wait $box`,
    )
    assert.is(stderr, '')
    const seen = 'search corp.test\nnameserver 198.18.0.1\noptions edns0\nat 93.184.216.34\n'
    assert.is(stdout, `${seen}${seen}at 93.184.216.34\ninside\n`)
    assert.is(status, 0)
  }),
)

testPasta(
  'without a way out nothing runs, and one line says why',
  inTemp((dir) => {
    const { status, stdout, stderr } = inWorld(dir, 'ip link del out0; "$NSBOX" --net user echo ran')
    assert.is(stdout, '')
    assert.match(stderr, /^nsbox: network: pasta could not connect the box: \/usr\/bin\/pasta: .*\nhint: .*\n$/)
    assert.is(status, 125)
  }),
)

testPasta('explain says what is reached, and what is not', () => {
  const { stdout, status } = nsbox(['explain', '--net', 'user', 'true'])
  assert.is(status, 0)
  assert.match(stdout, /reach every host that this machine\s+reaches/)
  assert.match(stdout, /Nothing that listens on this machine's loopback/)
})

test('a box without pasta is refused with the package to install', () => {
  if (existsSync('/usr/bin/pasta')) return
  const { status, stderr } = nsbox(['--net', 'user', 'true'])
  assert.is(status, 125)
  assert.match(
    stderr,
    /^nsbox: network: --net user needs pasta, which is not installed: .*\nhint: .*apt-get install passt\n$/,
  )
})

test.run()
