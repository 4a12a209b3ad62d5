/** Nobody gains anything by what lies where plans are remembered, and no start hangs or fails because of it. */
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, NSBOX, nsbox } from '../helpers/nsbox.ts'
import { Native, recordsIn, remembering, type Start } from '../helpers/remember.ts'

const MARK = 'nsbox: remembered\n'
const LINE = ['--verbose', '--ro', '--', 'echo', 'x']

/** Starts the box, which has to run whatever lies there. Returns whether its plan was a remembered one. */
function starts(cache: string, cwd: string): boolean {
  const { status, stdout, stderr } = nsbox(LINE, { env: remembering(cache), cwd, timeout: 20000 })
  assert.equal([status, stdout], [0, 'x\n'], stderr)
  return stderr.includes(MARK)
}

/** What somebody may have put in the way: in the place of the directory, and of the record in it. */
const HOSTILE: readonly { name: string; root?: true; put: (file: string, directory: string) => void; heals?: true }[] =
  [
    { name: 'a link to the record', put: (file, dir) => moved(file, join(dir, '../copy')), heals: true },
    {
      name: 'a link that leads nowhere',
      put: (file) => {
        rmSync(file)
        symlinkSync('/nowhere', file)
      },
      heals: true,
    },
    {
      name: 'a FIFO',
      put: (file) => {
        rmSync(file)
        spawnSync('mkfifo', [file])
      },
      heals: true,
    },
    {
      name: 'a directory',
      put: (file) => {
        rmSync(file)
        mkdirSync(join(file, 'inside'), { recursive: true })
      },
    },
    { name: 'a record that others may write', put: (file) => chmodSync(file, 0o622), heals: true },
    { name: 'a record that others may read', put: (file) => chmodSync(file, 0o604), heals: true },
    { name: 'an empty file', put: (file) => writeFileSync(file, ''), heals: true },
    {
      name: 'a huge file',
      put: (file) => {
        const fd = openSync(file, 'r+')
        ftruncateSync(fd, 2 ** 40)
        closeSync(fd)
      },
      heals: true,
    },
    { name: "another user's record", root: true, put: (file) => chownSync(file, 12345, 12345), heals: true },
    { name: "another user's directory", root: true, put: (_, dir) => chownSync(dir, 12345, 12345) },
    { name: 'a directory that others may write', put: (_, dir) => chmodSync(dir, 0o770) },
    { name: 'a cache that others may write', put: (_, dir) => chmodSync(join(dir, '..'), 0o777) },
    { name: 'a directory that is a link', put: (_, dir) => moved(dir, join(dir, '../copies')) },
    { name: 'a cache that is a link', put: (_, dir) => moved(join(dir, '..'), join(dir, '../../elsewhere')) },
    {
      name: 'a file in place of the directory',
      put: (_, dir) => {
        rmSync(dir, { recursive: true })
        writeFileSync(dir, '')
      },
    },
    { name: 'a directory that cannot be read', put: (_, dir) => chmodSync(dir, 0o000), ...(asRoot && { heals: true }) },
  ]

/** Moves what is there, and puts a link in its place. */
function moved(path: string, to: string): void {
  renameSync(path, to)
  symlinkSync(to, path)
}

/** Marks a case that only root can prepare as skipped for others. */
const caseFor = (root: boolean | undefined): typeof test.skip => (root && !asRoot ? test.skip : test)

for (const { name, put, root, heals } of HOSTILE) {
  const check = caseFor(root)
  check(
    `${name} is not used, and the box starts all the same`,
    inTemp((dir) => {
      const cache = join(dir, 'cache')
      starts(cache, dir)
      assert.ok(starts(cache, dir))
      const [file = ''] = recordsIn(cache)
      put(file, join(cache, 'starts'))
      const isMode = name === 'a directory that cannot be read' && asRoot
      assert.is(starts(cache, dir), isMode)
      assert.is(starts(cache, dir), heals === true, 'and again')
      if (name === 'a directory that cannot be read') chmodSync(join(cache, 'starts'), 0o700)
    }),
  )
}

test(
  'a record that lost or changed a byte is not used',
  inTemp(async (dir) => {
    const cache = join(dir, 'cache')
    const start: Start = { words: ['--ro', 'true'], cwd: dir, variables: { NSBOX_CACHE: cache } }
    const native = new Native()
    try {
      await native.remember(start, ['1', '{"argv":', '}', `d${dir}`, 'd/'])
      const [file = ''] = recordsIn(cache)
      const whole = readFileSync(file)
      assert.is(await native.find(start), '{"argv":["true"]}')
      for (let at = 0; at < whole.length; at++) {
        const damaged = Buffer.from(whole)
        damaged[at] = (damaged[at] as number) ^ (1 << (at % 8))
        writeFileSync(file, damaged)
        assert.is(await native.find(start), undefined, `byte ${at}`)
        writeFileSync(file, whole.subarray(0, at))
        assert.is(await native.find(start), undefined, `${at} bytes`)
      }
      writeFileSync(file, Buffer.concat([whole, Buffer.alloc(1)]))
      assert.is(await native.find(start), undefined)
      writeFileSync(file, whole)
      assert.is(await native.find(start), '{"argv":["true"]}')
    } finally {
      native.end()
    }
  }),
)

test(
  'a record under the name of another one is not used: a plan with more rights has other words',
  inTemp(async (dir) => {
    const cache = join(dir, 'cache')
    const of = (words: string[], more: Partial<Start> = {}): Start => ({
      words: [...words, 'true'],
      cwd: dir,
      variables: { NSBOX_CACHE: cache },
      ...more,
    })
    const native = new Native()
    try {
      await native.remember(of(['--privileged']), ['1', 'more', ''])
      const [more = ''] = recordsIn(cache)
      await native.remember(of(['--ro']), ['1', 'less', ''])
      const less = recordsIn(cache).find((file) => file !== more) ?? ''
      assert.is(await native.find(of(['--ro'])), 'less["true"]')
      rmSync(less)
      linkSync(more, less)
      assert.is(await native.find(of(['--ro'])), undefined)
      assert.is(await native.find(of(['--privileged'])), 'more["true"]')
      assert.is(await native.find(of(['--privileged'], { program: 'another build' })), undefined)
      assert.is(await native.find(of(['--privileged'], { variables: { NSBOX_CACHE: cache, HOME: '/' } })), undefined)
      const twice = { NSBOX_CACHE: cache, 'HOME=/a\0HOME': '/b' }
      assert.is(await native.find(of(['--privileged'], { variables: twice })), undefined)
    } finally {
      native.end()
    }
  }),
)

test(
  'a cache whose path has ".." is not used, since boxes are kept from another path',
  inTemp((dir) => {
    mkdirSync(join(dir, 'a/b'), { recursive: true })
    symlinkSync('a/b', join(dir, 'link'))
    starts(join(dir, 'link') + '/../cache', dir)
    assert.equal(readdirSync(join(dir, 'a')), ['b'])
    assert.not(readdirSync(dir).includes('cache'))
  }),
)

test(
  'no box reaches the directory',
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    const env = remembering(cache)
    starts(cache, dir)
    const [file = ''] = recordsIn(cache)
    const directory = join(cache, 'starts')
    for (const command of [
      `echo x >${file}`,
      `rm -f ${file}`,
      `mv ${directory} ${directory}.old`,
      `mv ${cache} ${cache}.old`,
      `mkdir -p ${directory} && echo x >${directory}/new`,
      `chmod 777 ${directory}`,
      `mv ${dir} ${dir}.old`,
    ])
      for (const options of [
        [],
        ['--bind', dir],
        ['--write', dir],
        ['--bind', `${dir}:/mnt`],
        ['--privileged', '--quiet'],
      ]) {
        if (command.startsWith(`mv ${dir} `) && !/bind|write/.test(options[0] ?? '') && asRoot) continue
        nsbox([...options, 'sh', '-c', command], { env, cwd: '/' })
        assert.equal(recordsIn(cache).includes(file), true, `${options.join(' ')} ${command}`)
        assert.is(statSync(directory).mode & 0o777, 0o700)
        assert.ok(starts(cache, dir), command)
      }
  }),
)

test(
  'what a box may have put where a later start looks is never opened for more than its content, nor trusted',
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    const project = join(dir, 'project')
    const config = join(project, '.git/config')
    for (const name of ['.git/objects', '.git/refs', '.git/modules/m'])
      mkdirSync(join(project, name), { recursive: true })
    writeFileSync(join(project, '.git/HEAD'), '')
    const line = ['--verbose', '--profile', 'workspace', '--', 'echo', 'ran']
    const isLater = (): boolean => {
      const { stdout, stderr } = nsbox(line, { env: remembering(cache), cwd: project, timeout: 20000 })
      assert.is(stdout, 'ran\n', stderr)
      return stderr.includes(MARK)
    }
    const puts: readonly (() => void)[] = [
      () => writeFileSync(config, '[core]\nhooksPath = a\n'),
      // The same length, and the time of the file that was there.
      () => {
        const { atime, mtime } = statSync(config)
        writeFileSync(config, '[core]\nhooksPath = b\n')
        utimesSync(config, atime, mtime)
      },
      () => symlinkSync('/dev/zero', config),
      () => spawnSync('mkfifo', [config]),
      () => mkdirSync(config),
      () => {
        const fd = openSync(config, 'w')
        ftruncateSync(fd, 2 ** 40)
        closeSync(fd)
      },
      () => {
        renameSync(join(project, '.git/modules'), join(project, '.git/other'))
        symlinkSync('other', join(project, '.git/modules'))
      },
    ]
    isLater()
    for (const [n, put] of puts.entries()) {
      if (n > 1) rmSync(config, { recursive: true, force: true })
      put()
      assert.not(isLater(), `${n}`)
    }
  }),
)

test(
  'starts at the same time store whole records',
  inTemp(async (dir) => {
    const cache = join(dir, 'cache')
    const box = (): Promise<number | null> =>
      new Promise((ended) =>
        spawn(NSBOX, LINE, { env: remembering(cache), cwd: dir, stdio: 'ignore' }).on('close', ended),
      )
    for (const status of await Promise.all(Array.from({ length: 24 }, box))) assert.is(status, 0)
    assert.equal(recordsIn(cache).length, 1)
    assert.ok(starts(cache, dir))
  }),
)

test(
  'a start that is killed at any moment leaves nothing that another one would use',
  inTemp(async (dir) => {
    const cache = join(dir, 'cache')
    for (let n = 0; n < 60; n++) {
      const child = spawn(NSBOX, ['--hostname', `h${n}`, ...LINE], {
        env: remembering(cache),
        cwd: dir,
        stdio: 'ignore',
      })
      const ended = new Promise((done) => child.on('close', done))
      await Bun.sleep(n % 30)
      child.kill('SIGKILL')
      await ended
      const again = nsbox(['--hostname', `h${n}`, ...LINE], { env: remembering(cache), cwd: dir })
      assert.equal([again.status, again.stdout], [0, 'x\n'], again.stderr)
    }
    assert.ok(recordsIn(cache).length <= 128)
  }),
)

;(asRoot ? test : test.skip)(
  'a full disk is no reason to fail',
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    mkdirSync(cache, { mode: 0o700 })
    const script = `mount -t tmpfs -o "mode=700,$2" tmpfs "$1" && shift 2 && exec "$@"`
    const twice = `echo x >"$C/full"; "$0" "$@" && "$0" "$@" && ls -A "$C/starts"`
    // No room for the directory, for a file in it, for a file's content.
    for (const limits of ['nr_inodes=2', 'nr_inodes=3', 'size=4k']) {
      const { status, stdout, stderr } = execute(
        'unshare',
        ['--mount', 'sh', '-c', script, 'sh', cache, limits, 'sh', '-c', twice, NSBOX, ...LINE],
        { env: { ...remembering(cache), C: cache }, cwd: dir },
      )
      assert.is(stdout, 'x\nx\n', stderr)
      assert.not(stderr.includes(MARK))
      assert.is(status, limits === 'nr_inodes=2' ? 2 : 0, stderr)
    }
  }),
)

test(
  'a file size limit keeps a plan from being stored, and nothing else',
  inTemp((dir) => {
    const cache = join(dir, 'cache')
    const box = `ulimit -f 400; "$0" ${LINE.join(' ')}`
    for (const mark of [false, true]) {
      const { status, stdout, stderr } = execute('sh', ['-c', box, NSBOX], { env: remembering(cache), cwd: dir })
      assert.equal([status, stdout, stderr.includes(MARK)], [0, 'x\n', mark], stderr)
    }
  }),
)

test.run()
