/** A hidden directory is empty and read-only, except for mounts below it. And destinations behind dangling links. */
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box as library } from '../../src/index.ts'
import { busyboxRoot, failure, INTERFACES, inTemp, planOf, treeOf } from '../helpers/nsbox.ts'

/** A home with a project, a file and a secret. */
function home(dir: string): string {
  mkdirSync(join(dir, 'home/project/src'), { recursive: true })
  mkdirSync(join(dir, 'home/.ssh'))
  writeFileSync(join(dir, 'home/.ssh/key'), 'secret')
  writeFileSync(join(dir, 'home/project/file'), 'mine\n')
  writeFileSync(join(dir, 'home/.profile'), 'profile\n')
  return join(dir, 'home')
}

for (const { name, box } of INTERFACES) {
  for (const hide of ['--mask', '--tmpfs']) {
    const hiding = (path: string) => (hide === '--mask' ? [hide, path] : [hide, `${path}:ro`])

    test(
      `a hidden directory shows what is mounted below it (${name}, ${hide})`,
      inTemp((dir) => {
        const at = home(dir)
        const args = [
          '--cwd',
          '/',
          ...hiding(at),
          '--bind',
          join(at, 'project'),
          '--ro-bind',
          `${at}/.profile:${at}/a/b/profile`,
          '--symlink',
          `project:${at}/link`,
          '--dir',
          `${at}/made`,
          '--file',
          `${at}/.profile:${at}/copy`,
          '--tmpfs',
          `${at}/tmp`,
          '--mask',
          `${at}/project/src`,
        ]
        const show = `cd ${at}; echo $(ls -A . a/b project project/src); cat link/file a/b/profile copy; echo new >project/new; echo kept >tmp/x; cat tmp/x`
        const { stdout, stderr } = box([...args, 'sh', '-c', show])
        assert.is(
          stdout,
          '.: a copy link made project tmp a/b: profile project: file src project/src:\nmine\nprofile\nprofile\nkept\n',
          stderr,
        )
        assert.is(readFileSync(join(at, 'project/new'), 'utf8'), 'new\n')
        // Nothing was made in the host's own directory.
        assert.equal(
          treeOf(at).map((line) => line.split(' ')[0]),
          ['.profile', '.ssh', '.ssh/key', 'project', 'project/file', 'project/new', 'project/src'],
        )
      }),
    )

    test(
      `a write below a hidden directory is refused, and not lost (${name}, ${hide})`,
      inTemp((dir) => {
        const at = home(dir)
        const args = [
          '--cwd',
          '/',
          ...hiding(at),
          '--mask',
          dir === at ? '/nowhere' : join(dir, 'home2'),
          '--bind',
          join(at, 'project'),
          '--dir',
          `${at}/made`,
        ]
        mkdirSync(join(dir, 'home2'))
        const show = `cd ${at}; for p in new made/new ../home2/new; do mkdir $p 2>/dev/null || echo refused; done; rmdir made 2>/dev/null || echo refused; mount -o remount,rw . 2>/dev/null || echo refused; ls ../home2`
        assert.is(box([...args, 'sh', '-c', show]).stdout, 'refused\nrefused\nrefused\nrefused\nrefused\n')
      }),
    )
  }

  test(
    `a tmpfs that is not read-only stays writable, with what is below it (${name})`,
    inTemp((dir) => {
      const at = home(dir)
      assert.is(
        box([
          '--cwd',
          '/',
          '--tmpfs',
          `${at}:size=1m,mode=700`,
          '--bind',
          join(at, 'project'),
          'sh',
          '-c',
          `echo x >${at}/x; ls ${at}; stat -c %a ${at}`,
        ]).stdout,
        'project\nx\n700\n',
      )
    }),
  )

  test(
    `runc#5090: a destination behind a dangling link is made in the root (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'etc', 'var'])
      const source = join(dir, 'source')
      mkdirSync(source)
      writeFileSync(join(source, 'file'), 'file\n')
      const links: Record<string, string> = {
        'etc/resolv.conf': '../run/resolve/stub-resolv.conf',
        'etc/copy': '/run/copy',
        'var/run': '/run/deep',
        lib: 'usr/lib',
        out: '../../../../outside/dir',
        chain: 'link',
        link: '/end/of/chain',
      }
      for (const [path, to] of Object.entries(links)) symlinkSync(to, join(root, path))
      const args = [
        '--root',
        root,
        '--ro-bind',
        `${source}/file:/etc/resolv.conf`,
        '--file',
        `${source}/file:/etc/copy`,
        '--tmpfs',
        '/var/run/tmp',
        '--bind',
        `${source}:/lib/bound`,
        '--bind',
        `${source}:/out`,
        '--dir',
        '/chain/dir',
        '--symlink',
        'x:/chain/l',
        '--tmpfs',
        '/chain/dir',
      ]
      const show =
        'cat /etc/resolv.conf /run/resolve/stub-resolv.conf /etc/copy /run/copy /usr/lib/bound/file /outside/dir/file; stat -f -c %T /run/deep/tmp /end/of/chain/dir; readlink /end/of/chain/l'
      const { stdout, stderr } = box([...args, 'sh', '-c', show])
      assert.is(stdout, `${'file\n'.repeat(6)}tmpfs\ntmpfs\nx\n`, stderr)
      for (const [path, to] of Object.entries(links)) assert.is(readlinkSync(join(root, path)), to)
      // /proc and /dev must be directories themselves.
      symlinkSync('nothing', join(root, 'p'))
      failure(box(['--root', root, '--proc=/p', 'true']), /^nsbox: mounts: is a symbolic link: \/p\n/)
      failure(box(['--root', root, '--dev=/p', 'true']), /^nsbox: mounts: is a symbolic link: \/p\n/)
      symlinkSync('itself', join(root, 'itself'))
      failure(
        box(['--root', root, '--tmpfs', '/itself/x', 'true']),
        /^nsbox: mounts: open: \/itself\/x: [^\n]* \(ELOOP\)\n/,
      )
    }),
  )
}

test("--tmpfs DIR:ro and the library's mounts say the same in a plan", () => {
  const expected = { type: 'tmpfs', target: '/x', size: 1024, options: ['ro', 'nosuid', 'nodev'] }
  const find = ({ mounts = [] }: { mounts?: readonly { target: string }[] }) =>
    mounts.find(({ target }) => target === '/x')
  assert.equal(find(planOf(['--tmpfs', '/x:ro,size=1k', 'true']) as never), expected)
  assert.equal(find(library({ tmpfs: '/x:ro,size=1k' }).plan(['true']) as never), expected)
  assert.equal(
    find(library({ mounts: [{ type: 'tmpfs', target: '/x', size: 1024, readonly: true }] }).plan(['true']) as never),
    expected,
  )
})

test.run()
