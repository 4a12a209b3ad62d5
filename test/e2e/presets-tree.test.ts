/**
 * A project and a home are what they were after boxes of every preset, some of them killed at random moments: names,
 * inodes, modes, times. SOAK_PRESETS=1000 runs as many boxes of each.
 */
// seconds: 60
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inTemp, NSBOX } from '../helpers/nsbox.ts'

const COUNT = Number(process.env.SOAK_PRESETS ?? 3)
const AT_ONCE = 3
const LONGEST_START = 60 // milliseconds, on a machine that has little else to do

/** Reads all that it may, and tries to write where no preset lets it. */
const COMMAND = `
ls -AR . ~ /tmp >/dev/null; cat .git/config .env ~/.ssh/key >/dev/null
for name in .git/hooks/new .git/config ~/.ssh/new ~/new /etc/new; do echo x >$name; done
mv .git other; rm -rf .git/hooks; chmod 777 .git/config ~/.ssh; touch .git/hooks
echo x >/tmp/own; echo reached >&3`

function plant(home: string): string {
  const project = join(home, 'p')
  const directories = ['.ssh', '.docker/run', '.cache', '.npm', 'p/src/deep', 'p/.vscode']
  for (const name of directories) mkdirSync(join(home, name), { recursive: true })
  for (const name of ['.ssh/key', '.bashrc', '.cache/c', 'p/.env', 'p/src/a', 'p/src/deep/b', 'p/.vscode/x.json'])
    writeFileSync(join(home, name), name)
  for (const args of [
    ['init', '-q'],
    ['config', 'a.b', 'c'],
  ])
    spawnSync('git', args, { cwd: project })
  symlinkSync('src', join(project, 'link'))
  chmodSync(join(home, '.ssh'), 0o700)
  return project
}

function treeOf(top: string): string[] {
  const names = ['', ...(readdirSync(top, { recursive: true }) as string[])].sort()
  return names.map((name) => {
    const { ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs } = lstatSync(join(top, name), { bigint: true })
    return [name, ino, mode.toString(8), nlink, uid, gid, size, mtimeNs, ctimeNs].join(' ')
  })
}

/** Ends when the box has gone: its processes hold the other end of a pipe. Whether the command came to its end. */
async function run(preset: string, home: string, project: string, killAfter: number | undefined): Promise<boolean> {
  const own = `${home}-own`
  const env = { ...process.env, HOME: home, XDG_CACHE_HOME: own, XDG_STATE_HOME: own, XDG_CONFIG_HOME: own }
  const args = ['--profile', preset, '--keep-fd', '3', '--', 'sh', '-c', COMMAND]
  const child = spawn(NSBOX, args, { cwd: project, env, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
  let reached = ''
  child.stdio[3]?.on('data', (text: Buffer) => (reached += String(text)))
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter)
  await once(child, 'close')
  clearTimeout(timer)
  return reached === 'reached\n'
}

test(
  'after many boxes of every preset, some killed, the project and the home are what they were',
  inTemp(async (dir) => {
    const home = join(dir, 'home')
    const project = plant(home)
    mkdirSync(`${home}-own`, { mode: 0o700 })
    const before = treeOf(home)
    const own = readdirSync('/').sort()
    let killed = 0
    for (const preset of ['read-only', 'workspace', 'offline-build', 'closed']) {
      let next = 0
      const worker = async (): Promise<void> => {
        while (next < COUNT) {
          const isKilled = next++ % 3 === 1
          const reached = await run(preset, home, project, isKilled ? Math.random() * LONGEST_START : undefined)
          if (isKilled) killed++
          else assert.ok(reached, `${preset}: the command ended early`)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, worker))
      assert.equal(treeOf(home), before, preset)
    }
    assert.ok(killed > 0)
    assert.equal(readdirSync('/').sort(), own)
  }),
)

test.run()
