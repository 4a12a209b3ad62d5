/** Everyday work goes on under the defaults, as root and as an ordinary user. tmux is in terminal.test.ts. */
// seconds: 150
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, inTemp, nsbox } from '../helpers/nsbox.ts'

/** Only programs of the system, and not those that a version manager in a home directory puts before them. */
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'
const whereIs = (program: string) =>
  spawnSync('sh', ['-c', 'command -v "$0"', program], { encoding: 'utf8', env: { ...process.env, PATH } }).stdout.trim()

/** A test that needs these programs, or counts as skipped. */
function work(programs: readonly string[], title: string, body: (dir: string) => void): void {
  const missing = programs.filter((program) => whereIs(program) === '')
  if (missing.length === 0) test(title, inTemp(body))
  else test.skip(`${title} (${missing.join(', ')} is missing)`, () => {})
}

/** A box in a directory, with the defaults only. */
function inBox(dir: string, command: readonly string[], flags: readonly string[] = []): string {
  const { status, stdout, stderr } = nsbox([...flags, ...command], {
    cwd: dir,
    env: { ...process.env, PATH, HOME: dir, LC_ALL: 'C' },
    timeout: 100000,
  })
  assert.is(status, 0, `${command.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

const script = (dir: string, name: string, text: string): string => {
  writeFileSync(join(dir, name), text)
  return name
}

work(['gcc', 'make', 'ar'], 'gcc and make build a program of several parts at once, and it runs', (dir) => {
  const parts = Array.from({ length: 8 }, (_, i) => i)
  for (const i of parts) script(dir, `part${i}.c`, `int part${i}(void) { return ${i}; }\n`)
  script(
    dir,
    'main.c',
    `#include <stdio.h>\n${parts.map((i) => `int part${i}(void);`).join('\n')}\nint main(void) { printf("%d\\n", ${parts.map((i) => `part${i}()`).join(' + ')}); return 0; }\n`,
  )
  script(
    dir,
    'Makefile',
    `all: main\nmain: main.o parts.a\n\tgcc -o $@ $^\nparts.a: ${parts.map((i) => `part${i}.o`).join(' ')}\n\tar rcs $@ $^\n%.o: %.c\n\tgcc -O2 -Wall -c -o $@ $<\n`,
  )
  inBox(dir, ['make', '-j4', '-s'])
  assert.is(inBox(dir, ['./main']), '28\n')
})

work(['python3'], 'python has threads, asyncio, processes, shared memory and subprocesses', (dir) => {
  script(
    dir,
    'work.py',
    `
import asyncio, multiprocessing, os, queue, socket, subprocess, tempfile, threading
from multiprocessing import shared_memory

def square(n):
    return n * n

async def talk():
    async def answer(reader, writer):
        writer.write((await reader.readline()).upper())
        await writer.drain()
        writer.close()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hello\\n")
    line = await reader.readline()
    process = await asyncio.create_subprocess_exec("echo", "child", stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    server.close()
    return line.decode().strip() + " " + out.decode().strip()

if __name__ == "__main__":
    done = queue.Queue()
    threads = [threading.Thread(target=lambda n=n: done.put(n)) for n in range(50)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    print(done.qsize(), asyncio.run(talk()))
    for method in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context(method).Pool(3) as pool:
            print(method, sum(pool.map(square, range(20))))
    memory = shared_memory.SharedMemory(create=True, size=100)
    memory.buf[:5] = b"bytes"
    print(bytes(memory.buf[:5]).decode())
    memory.close(); memory.unlink()
    with tempfile.NamedTemporaryFile() as file: print(os.path.exists(file.name))
`,
  )
  assert.is(
    inBox(dir, ['python3', 'work.py']),
    '50 HELLO child\nfork 2470\nspawn 2470\nforkserver 2470\nbytes True\n'.replace('bytes True', 'bytes\nTrue'),
  )
})

const JAVASCRIPT = `
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { createServer, get } from 'node:http'
import { tmpdir } from 'node:os'
import { Worker } from 'node:worker_threads'
const own = mkdtempSync(tmpdir() + '/work-')
writeFileSync(own + '/file', 'content')
console.log(readFileSync(own + '/file', 'utf8'), execFileSync('echo', ['child']).toString().trim())
rmSync(own, { recursive: true })
const worker = new Worker('require("node:worker_threads").parentPort.postMessage(6 * 7)', { eval: true })
console.log(await new Promise((done) => worker.once('message', done)))
await worker.terminate()
const server = createServer((_, answer) => answer.end('served')).listen(0, '127.0.0.1')
await new Promise((done) => server.once('listening', done))
console.log(await new Promise((done) => get({ port: server.address().port, host: '127.0.0.1' }, (answer) => answer.on('data', (data) => done(String(data))))))
server.close()
server.closeAllConnections?.()
const child = spawn('sh', ['-c', 'read x; exit $x'], { stdio: ['pipe', 'ignore', 'ignore'] })
child.stdin.end('7\\n')
console.log(await new Promise((done) => child.once('exit', done)))
process.exit(0)
`
const SAID = 'content child\n42\nserved\n7\n'

work(['node'], 'node has workers, servers and children', (dir) => {
  assert.is(inBox(dir, ['node', script(dir, 'work.mjs', JAVASCRIPT)]), SAID)
})

test(
  'bun has workers, servers and children',
  inTemp((dir) => {
    assert.is(inBox(dir, [process.execPath, script(dir, 'work.mjs', JAVASCRIPT)]), SAID)
  }),
)

work(['perl'], 'perl forks, waits and talks through sockets', (dir) => {
  script(
    dir,
    'work.pl',
    `
use strict; use Socket; use IO::Handle;
socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
my $pid = fork() // die;
if (!$pid) { print $theirs "from child\\n"; $theirs->flush; exit 3 }
print scalar <$ours>; waitpid $pid, 0; print $? >> 8, "\\n";
local $SIG{ALRM} = sub { print "alarm\\n" }; kill ALRM => $$;
open my $sorted, "-|", "printf '2\\n1\\n' | sort" or die; print <$sorted>;
`,
  )
  assert.is(inBox(dir, ['perl', 'work.pl']), 'from child\n3\nalarm\n1\n2\n')
})

work(['git'], 'git commits, branches, merges and clones', (dir) => {
  script(
    dir,
    'work.sh',
    `set -e
git init -q -b main one && cd one
git config user.name somebody && git config user.email somebody@localhost
echo first >file && git add file && git commit -qm first
git switch -qc side && echo side >other && git add other && git commit -qm side
git switch -q main && echo second >>file && git commit -qam second
git merge -q side -m merged && git gc -q
cd .. && git clone -q one two && cd two && git log --oneline | wc -l && cat file other && git fsck 2>&1 | grep -c error || true
`,
  )
  assert.is(inBox(dir, ['bash', 'work.sh']), '4\nfirst\nsecond\nside\n0\n')
})

work(['tar', 'gzip'], 'tar packs and unpacks, with modes, links, times and owners', (dir) => {
  mkdirSync(join(dir, 'tree/sub'), { recursive: true })
  script(dir, 'tree/sub/file', 'content\n')
  const packing = `set -e
cd tree && ln -s sub/file link && ln sub/file hard && chmod 1755 sub && chmod 600 sub/file && ${asRoot ? 'chown 1234:4321 sub/file' : 'true'} && mkfifo pipe && touch -d 2020-01-01 sub/file && cd ..
tar czf tree.tar.gz tree && mkdir out && tar xpzf tree.tar.gz -C out && cd out/tree && stat -c '%n %a %h %u %Y %F' sub sub/file link pipe`
  const owner = asRoot ? 1234 : process.getuid?.()
  assert.match(
    inBox(dir, ['sh', '-c', packing], ['--env', 'TZ=UTC']),
    new RegExp(
      `^sub 1755 2 \\d+ \\d+ directory\nsub/file 600 2 ${owner} 1577836800 regular file\nlink 777 1 .* symbolic link\npipe .* fifo\n$`,
    ),
  )
})

/** A tracer that may not trace outside of a box may not do it inside either, so these tests are skipped then. */
const mayTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
const tracing = mayTrace
  ? (title: string, body: (dir: string) => void) => work(['strace'], title, body)
  : (title: string) => test.skip(`${title} (it may not trace here)`, () => {})
tracing('strace follows a program and its children', (dir) => {
  inBox(dir, ['strace', '-f', '-o', 'log', 'sh', '-c', 'echo traced >file; (exit 3); true'])
  // The line has " <unfinished" in it where another process does something at the same moment.
  assert.match(inBox(dir, ['cat', 'log']), /exit_group\(3\b/)
})

const DEBIAN = resolve(import.meta.dir, '../../dist/debian-root')
const inDebian = asRoot && existsSync(DEBIAN) ? test : test.skip
inDebian(
  'dpkg and apt-get install packages in a Debian root, which stays as it was (needs root and dist/debian-root)',
  () => {
    const before = readdirSync(join(DEBIAN, 'usr/bin')).length
    const pack = (
      name: string,
      more = '',
    ) => `mkdir -p /tmp/${name}/DEBIAN /tmp/${name}/usr/bin && printf 'Package: ${name}\\nVersion: 1\\nArchitecture: all\\nMaintainer: nobody <nobody@localhost>\\nDescription: a test\\n${more}' >/tmp/${name}/DEBIAN/control &&
printf '#!/bin/sh\\necho ${name} runs\\n' >/tmp/${name}/usr/bin/${name} && chmod 755 /tmp/${name}/usr/bin/${name} &&
printf '#!/bin/sh\\nset -e\\nchown daemon /usr/bin/${name}\\necho configured ${name}\\n' >/tmp/${name}/DEBIAN/postinst && chmod 755 /tmp/${name}/DEBIAN/postinst && dpkg-deb --root-owner-group --build /tmp/${name} /tmp/${name}.deb >/dev/null`
    const { status, stdout, stderr } = nsbox(
      [
        '--root',
        DEBIAN,
        '--overlay',
        '--clear-env',
        '--env',
        `PATH=${PATH}`,
        '--env',
        'DEBIAN_FRONTEND=noninteractive',
        '--env',
        'LC_ALL=C',
        'sh',
        '-c',
        `set -e
apt-get --version >/dev/null
${pack('box-first')}
dpkg -i /tmp/box-first.deb
box-first; stat -c %U /usr/bin/box-first
${pack('box-second', 'Depends: box-first\\n')}
apt-get install -y /tmp/box-second.deb
box-second
apt-get remove -y box-first
dpkg -s box-first 2>/dev/null | grep -c '^Status: install ok' || true`,
      ],
      { timeout: 100000 },
    )
    assert.is(status, 0, stdout + stderr)
    for (const line of ['configured box-first', 'box-first runs', 'daemon', 'configured box-second', 'box-second runs'])
      assert.match(stdout, new RegExp(`^${line}$`, 'm'))
    assert.match(stdout, /\n0\n$/)
    assert.is(readdirSync(join(DEBIAN, 'usr/bin')).length, before)
  },
)

test.run()
