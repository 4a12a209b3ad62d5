/** Overlays of a root: changes vanish or stay, the root below never changes, and the state leads no box elsewhere. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  busyboxRoot,
  failure,
  INTERFACES,
  inTemp,
  nsbox,
  NSBOX,
  SANITIZED,
  SIDECAR,
  sidecar,
  treeOf,
  type Ran,
} from '../helpers/nsbox.ts'

const own = process.getuid?.()
const rootOnly = (title: string, body: () => Promise<void>) =>
  asRoot ? test(title, body) : test.skip(`${title} (only root can mount something there)`, body)
const inBoxTest = (title: string, body: () => Promise<void>) =>
  SANITIZED ? test.skip(`${title} (the sidecar needs libraries, which the box has not)`, body) : test(title, body)
const userOnly = (title: string, body: () => void) =>
  asRoot ? test.skip(`${title} (root may read all)`, body) : test(title, body)

/** Returns the output of a box that must work. */
function ok({ status, stdout, stderr }: Ran): string {
  assert.is(status, 0, stderr)
  return stdout
}

/** A busybox root with files to change. */
function rootWithFiles(dir: string): string {
  const root = busyboxRoot(dir)
  mkdirSync(join(root, 'data/deep/er'), { recursive: true })
  writeFileSync(join(root, 'data/one'), 'one\n')
  writeFileSync(join(root, 'data/deep/two'), 'two\n')
  symlinkSync('data', join(root, 'link'))
  chmodSync(join(root, 'data'), 0o2750)
  chmodSync(join(root, 'tmp'), 0o1777)
  return root
}

for (const { name, box } of INTERFACES) {
  test(
    `what a box does to an overlay of its root is gone afterwards, and the root is as before (${name})`,
    inTemp((dir) => {
      const root = rootWithFiles(join(dir, 'r'))
      const before = treeOf(root)
      const script =
        'rm -r /data; mkdir /data; echo new >/data/one; mv /link /moved; echo x >/top; rm /bin/yes; ls -d /*; cat /data/*'
      const first = ok(box(['--root', root, '--overlay', 'sh', '-c', script]))
      assert.is(first.replaceAll('\n', ' '), '/bin /data /dev /moved /proc /tmp /top new ')
      assert.equal(treeOf(root), before)
      assert.is(ok(box(['--root', root, '--overlay', 'cat', '/data/one', '/data/deep/two'])), 'one\ntwo\n')
    }),
  )

  test(
    `what a box does to an overlay with a directory stays there, for the next box, and the root is as before (${name})`,
    inTemp((dir) => {
      const root = rootWithFiles(join(dir, 'r'))
      const before = treeOf(root)
      const state = join(dir, 's')
      mkdirSync(state)
      const kept = (script: string) => ok(box(['--root', root, `--overlay=${state}`, 'sh', '-c', script]))
      kept('rm -r /data/deep; mv /data /old; mkdir -m 700 /data; echo new >/data/new; rm /link; mv /bin/yes /bin/ja')
      assert.is(
        kept(
          'ls /data /old /bin/ja; stat -c %a /data /old; cat /data/new /old/one; test -e /link || test -e /bin/yes || echo gone',
        ).replaceAll('\n', ' '),
        '/bin/ja  /data: new  /old: one 700 2750 new one gone ',
      )
      kept('rm -r /data /old')
      assert.not(kept('ls /').includes('data'))
      assert.equal(treeOf(root), before)
      assert.equal(readdirSync(state).sort(), ['upper', 'work'])
      // rm is enough to remove it.
      assert.is(spawnSync('rm', ['-rf', state]).status, 0)
      assert.not(existsSync(state))
    }),
  )

  test(
    `the directories of an overlay have mode and owner of those below (${name})`,
    inTemp((dir) => {
      const root = rootWithFiles(join(dir, 'r'))
      chmodSync(root, 0o711)
      const out = ok(box(['--root', root, '--overlay', 'stat', '-c', '%a %u', '/', '/data', '/tmp', '/data/one']))
      assert.is(out, `711 ${own}\n2750 ${own}\n1777 ${own}\n644 ${own}\n`)
      chmodSync(root, 0o755)
    }),
  )

  test(
    `a root path with commas, colons, blanks, line feeds and backslashes can have an overlay (${name})`,
    inTemp((dir) => {
      const odd = join(dir, 'a,b:c d\ne\\040f=g"\'%s')
      const root = rootWithFiles(join(odd, 'lower,upperdir=x'))
      const state = join(odd, 'state,:\\,')
      mkdirSync(state)
      ok(box(['--root', root, '--overlay', 'touch', '/new']))
      ok(box(['--root', root, `--overlay=${state}`, 'touch', '/new']))
      assert.ok(existsSync(join(state, 'upper/new')))
      assert.not(existsSync(join(root, 'new')))
    }),
  )

  test(`the machine's own root can have an overlay, whoever asks: files are made and replaced, and none of it is there afterwards (${name})`, () => {
    const mark = `/nsbox-overlay-${process.pid}`
    const script = `echo hello >${mark} && echo there >/usr${mark} && mkdir -m 700 /opt${mark} && mv /usr${mark} /opt${mark}/moved && cat ${mark} /opt${mark}/moved`
    const before = [statSync('/').mode, readdirSync('/'), readdirSync('/usr'), readdirSync('/opt')]
    assert.is(ok(box(['--overlay', '--map-root', 'sh', '-c', script])), 'hello\nthere\n')
    assert.equal([statSync('/').mode, readdirSync('/'), readdirSync('/usr'), readdirSync('/opt')], before)
  })

  test(`in an overlay of the machine's own root all names, kinds and modes of the top are as on the machine (${name})`, () => {
    const kinds = (names: string[], line: (name: string) => string) =>
      names
        .filter((entry) => !['proc', 'dev', 'sys'].includes(entry))
        .sort()
        .map(line)
    const here = kinds(readdirSync('/'), (entry) => {
      const { mode } = lstatSync(join('/', entry))
      return `${entry} ${(mode & 0xfff).toString(8)} ${(mode >> 12).toString(8)}`
    })
    const out = ok(
      box([
        '--overlay',
        '--map-root',
        'sh',
        '-c',
        'cd /; find . -mindepth 1 -maxdepth 1 -exec stat -c "%a %f %n" {} +',
      ]),
    )
      .trim()
      .split('\n')
    const there = out.map((line) => {
      const [mode = '', hex = '', ...name] = line.split(' ')
      return [name.join(' ').replace('./', ''), `${mode} ${(parseInt(hex, 16) >> 12).toString(8)}`] as const
    })
    assert.equal(
      kinds(
        there.map(([entry]) => entry),
        (entry) => `${entry} ${new Map(there).get(entry)}`,
      ),
      here,
    )
    assert.is(
      ok(box(['--overlay', '--map-root', 'stat', '-c', '%a', '/'])).trim(),
      (statSync('/').mode & 0o7777).toString(8),
    )
  })

  test(
    `changes to the machine's own root stay in a directory for the next box (${name})`,
    inTemp((dir) => {
      const state = join(dir, 's')
      mkdirSync(state)
      const mark = `nsbox-overlay-${process.pid}`
      const kept = (script: string) => ok(box([`--overlay=${state}`, '--map-root', 'sh', '-c', script]))
      kept(
        `echo a >/${mark}; mkdir /usr/${mark}; echo b >/usr/${mark}/b; echo c >/opt/${mark}; mkdir /top-${mark}; mv /opt/${mark} /srv/${mark}`,
      )
      assert.is(
        kept(`cat /${mark} /usr/${mark}/b /srv/${mark}; ls -d /top-${mark}; test -e /opt/${mark} || echo moved`),
        `a\nb\nc\n/top-${mark}\nmoved\n`,
      )
      kept(`rm -r /${mark} /usr/${mark} /top-${mark}`)
      assert.is(kept(`ls -d /${mark} /usr/${mark} /top-${mark} 2>/dev/null | wc -l`).trim(), '0')
      assert.ok(
        existsSync(join(state, `upper/srv/${mark}`)),
        'the changes are found under the name that they have in the box',
      )
      for (const top of ['/', '/usr', '/opt', '/srv']) assert.not(existsSync(join(top, mark)), top)
    }),
  )

  test(`mount points are made in an overlay of the machine's own root, not on the machine (${name})`, () => {
    const mark = `/nsbox-overlay-${process.pid}`
    assert.is(
      ok(
        box([
          '--overlay',
          '--tmpfs',
          `${mark}/a/b`,
          '--tmpfs',
          `/usr${mark}/c`,
          '--ro-bind',
          `/bin:${mark}/bin`,
          'sh',
          '-c',
          `ls -d ${mark}/a/b /usr${mark}/c ${mark}/bin/sh`,
        ]),
      ),
      `${mark}/a/b\n${mark}/bin/sh\n/usr${mark}/c\n`,
    )
    assert.not(existsSync(mark))
    assert.not(existsSync(`/usr${mark}`))
  })

  test(
    `a state whose directories lead elsewhere is refused, and nothing is written there (${name})`,
    inTemp((dir) => {
      const root = rootWithFiles(join(dir, 'r'))
      for (const layer of ['upper', 'work']) {
        const outside = join(dir, `outside-${layer}`)
        const state = join(dir, `s-${layer}`)
        mkdirSync(outside)
        mkdirSync(state)
        symlinkSync(outside, join(state, layer))
        failure(
          box(['--root', root, `--overlay=${state}`, 'touch', '/new']),
          new RegExp(
            `^nsbox: root: open the overlay's directory: .*/s-${layer}/${layer}: Not a directory \\(ENOTDIR\\)\\nhint: `,
          ),
        )
        assert.equal(readdirSync(outside), [])
      }
    }),
  )

  test(
    `a link in the state in place of a directory of the machine's root leads nowhere but into the box (${name})`,
    inTemp((dir) => {
      const outside = join(dir, 'outside')
      const state = join(dir, 's')
      mkdirSync(outside)
      mkdirSync(join(state, 'upper'), { recursive: true })
      symlinkSync(outside, join(state, 'upper/srv'))
      const { stderr } = box([`--overlay=${state}`, '--tmpfs', '/srv/new', 'true'])
      assert.equal(readdirSync(outside), [], stderr)
    }),
  )

  test(
    `a state that can't be written to is named, with the way out (${name})`,
    inTemp((dir) => {
      const root = rootWithFiles(join(dir, 'r'))
      if (asRoot)
        return failure(
          box(['--root', root, '--overlay=/proc/sys', 'true']),
          /^nsbox: root: make the overlay's directory: \/proc\/sys\/upper: .*\n/,
        )
      failure(
        box(['--root', root, '--overlay=/etc', 'true']),
        /^nsbox: root: make the overlay's directory: \/etc\/upper: Permission denied \(EACCES\)\nhint: .*--overlay alone/,
      )
    }),
  )
}

test(
  'a state that is missing, or is no directory, is named',
  inTemp((dir) => {
    const root = rootWithFiles(join(dir, 'r'))
    failure(
      nsbox(['--root', root, `--overlay=${dir}/gone`, 'true']),
      /^nsbox: state: open: .*\/gone: no such file or directory \(ENOENT\)\nhint: it keeps the changes; make it first: mkdir DIR\n$/i,
    )
    writeFileSync(join(dir, 'file'), '')
    failure(nsbox(['--root', root, `--overlay=${dir}/file`, 'true']), /^nsbox: state: is not a directory: .*\/file\n$/)
    assert.not(existsSync(join(dir, 'gone')))
  }),
)

inBoxTest(
  'a state inside of an overlay, where the kernel keeps none, is refused with the way out',
  inTemp((dir) => {
    const root = rootWithFiles(join(dir, 'r'))
    mkdirSync(join(root, 'state'))
    // The outer box has an overlay as its root, in which the inner box keeps its changes.
    const inner = `/nsbox-sidecar --plan-fd 0 <<'END'\n${JSON.stringify({ contract: 2, namespaces: ['mount'], root: { type: 'layers', lowers: ['/data'], state: '/state' }, process: { argv: ['/one'] } })}\nEND\n`
    spawnSync('cp', [SIDECAR, join(root, 'nsbox-sidecar')])
    const { status, stderr } = nsbox([
      '--root',
      root,
      '--overlay',
      '--map-root',
      '--cap-add',
      'sys_admin',
      'sh',
      '-c',
      inner,
    ])
    assert.is(status, 125, stderr)
    assert.match(stderr, /nsbox: root: mount overlay: \/data: .*\nhint: DIR of --overlay=DIR lies on an overlay itself/)
  }),
)

test(
  "two boxes with overlays of one root at once do not see each other's changes",
  inTemp(async (dir) => {
    const root = rootWithFiles(join(dir, 'r'))
    const before = treeOf(root)
    // Each prints when its file is there, and lists the directory once the other one's is there too.
    const boxes = ['a', 'b'].map((name) =>
      spawn(NSBOX, ['--root', root, '--overlay', 'sh', '-c', `echo >/data/${name}; echo ready; read go; ls /data`]),
    )
    const said = boxes.map(() => '')
    boxes.forEach((child, i) =>
      child.stdout.on('data', (data: Buffer) => {
        said[i] += String(data)
      }),
    )
    while (said.some((text) => !text.includes('ready'))) await Bun.sleep(5)
    for (const child of boxes) child.stdin.end('go\n')
    await Promise.all(boxes.map((child) => new Promise((done) => child.on('close', done))))
    assert.equal(said, ['ready\na\ndeep\none\n', 'ready\nb\ndeep\none\n'])
    assert.equal(treeOf(root), before)
  }),
)

for (const flags of [[], ['--no-init']]) {
  test(
    `a second box that would keep changes in the same directory at once is refused${flags.length ? ', without an init too' : ''}`,
    inTemp(async (dir) => {
      const root = rootWithFiles(join(dir, 'r'))
      const state = join(dir, 's')
      mkdirSync(state)
      const first = spawn(NSBOX, ['--root', root, `--overlay=${state}`, ...flags, 'sh', '-c', 'echo ready; read go'])
      let said = ''
      first.stdout.on('data', (data: Buffer) => {
        said += String(data)
      })
      while (!said.includes('ready')) await Bun.sleep(5)
      failure(
        nsbox(['--root', root, `--overlay=${state}`, 'true']),
        /^nsbox: state: another box keeps its changes there: .*\/s\nhint: /,
      )
      first.stdin.end('go\n')
      await new Promise((done) => first.on('close', done))
      ok(nsbox(['--root', root, `--overlay=${state}`, 'true']))
    }),
  )
}

inBoxTest(
  'an overlay gives no right that the mount below it does not give',
  inTemp((dir) => {
    // /proc is nosuid, nodev and noexec everywhere, but can't be a lower layer; a box's tmpfs is nosuid and nodev.
    const root = rootWithFiles(join(dir, 'r'))
    mkdirSync(join(root, 'state'))
    spawnSync('cp', [SIDECAR, join(root, 'nsbox-sidecar')])
    const plan = {
      contract: 2,
      namespaces: ['mount'],
      root: { type: 'layers', lowers: ['/tmp'] },
      process: { argv: ['/busybox', 'cat', '/proc/self/mountinfo'] },
      mounts: [{ type: 'bind', source: '/proc', target: '/proc' }],
    }
    const script = `cp /bin/busybox /tmp; mkdir /tmp/proc; /nsbox-sidecar --plan-fd 0 <<'END'\n${JSON.stringify(plan)}\nEND\n`
    const out = ok(
      nsbox(['--root', root, '--tmpfs', '/tmp', '--map-root', '--cap-add', 'sys_admin', 'sh', '-c', script]),
    )
    assert.match(out, /^\S+ \S+ \S+ \/ \/ \S*nosuid,nodev\S* .* overlay /m)
  }),
)

userOnly(
  "the way an ordinary user's overlay of the machine's root is made gives no way into what that user may not read",
  () => {
    const { stdout } = nsbox([
      '--overlay',
      '--map-root',
      'sh',
      '-c',
      'ls -A /root /lost+found 2>/dev/null; cat /etc/shadow 2>/dev/null; echo end',
    ])
    assert.is(stdout.replace(/^\/(root|lost\+found):\n?/gm, '').trim(), 'end')
  },
)

rootOnly(
  "what is mounted below a root shows in its overlay, and can't be written to",
  inTemp((dir) => {
    const root = rootWithFiles(join(dir, 'r'))
    const script = `mount -t tmpfs x ${root}/data && echo below >${root}/data/below && "$@"`
    for (const flags of [[], ['--userns']]) {
      const { status, stdout, stderr } = nsboxIn(script, [
        '--root',
        root,
        '--overlay',
        ...flags,
        'sh',
        '-c',
        'cat /data/below; echo x >/new; cat /new; mount | grep -c " /data "',
      ])
      assert.is(status, 0, stderr)
      assert.is(stdout, 'below\nx\n1\n')
    }
    assert.equal(readdirSync(join(root, 'data')).sort(), ['deep', 'one'])
  }),
)

/** Runs a script in a mount namespace of its own, with nsbox as "$@". */
function nsboxIn(script: string, args: readonly string[]): Ran {
  const { status, signal, stdout, stderr } = spawnSync(
    'unshare',
    ['-m', '--propagation', 'private', 'sh', '-c', script, 'sh', NSBOX, ...args],
    { encoding: 'utf8' },
  )
  return { status, signal, stdout, stderr }
}

test(
  'an overlay in a plan can be read-only all the same: its mount points are made, and then nothing changes',
  inTemp((dir) => {
    const root = rootWithFiles(join(dir, 'r'))
    for (const path of [root, '/']) {
      const made = JSON.parse(
        ok(
          nsbox([
            'plan',
            '--root',
            path,
            '--overlay',
            '--map-root',
            '--tmpfs',
            '/nsbox-made/here',
            'sh',
            '-c',
            'touch /new 2>/dev/null || echo no; touch /tmp/new 2>/dev/null || echo no; touch /nsbox-made/here/x && echo yes',
          ]),
        ),
      )
      made.root.options = ['ro']
      assert.is(ok(sidecar(made)), 'no\nno\nyes\n')
      assert.is(ok(sidecar(made, ['--old-mount-api'])), 'no\nno\nyes\n')
    }
    assert.not(existsSync(join(root, 'nsbox-made')))
  }),
)

test.run()
