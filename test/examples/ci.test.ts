/** The CI files of examples/ci: each parses, and its commands run one after the other, with a release of this build. */
// seconds: 240
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { TOP } from '../helpers/documents.ts'
import { quickRelease } from '../helpers/release.ts'

const textOf = (name: string): string => readFileSync(join(TOP, 'examples/ci', name), 'utf8')

// Not below /tmp, which the steps hide.
const dir = mkdtempSync('/var/tmp/nsbox-ci-')
test.after(() => rmSync(dir, { recursive: true, force: true }))

const out = quickRelease(dir)
const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: (request) => {
    const path = join(out, new URL(request.url).pathname)
    return existsSync(path) ? new Response(Bun.file(path)) : new Response('', { status: 404 })
  },
})
test.after(() => void server.stop(true))

/** A home and a checkout of somebody whose tests write a file and look for a network. */
function machine(name: string): { checkout: string; env: Record<string, string> } {
  const [home, checkout] = [join(dir, name), join(dir, name, 'checkout')]
  mkdirSync(checkout, { recursive: true })
  writeFileSync(
    join(checkout, 'Makefile'),
    'test:\n\t@ls /sys/class/net\n\t@echo "$${SECRET-no secret}"\n\t@touch result\n\t@! touch ../outside 2>/dev/null\n',
  )
  const path = join(home, 'path')
  writeFileSync(path, '')
  return {
    checkout,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      CI: 'true',
      SECRET: 'secret',
      GITHUB_PATH: path,
      NSBOX_RELEASE: server.url.href.replace(/\/$/, ''),
    },
  }
}

/** Asynchronously, since the server is in this process. */
async function run(command: string, { checkout, env }: ReturnType<typeof machine>): Promise<string> {
  const added = readFileSync(env.GITHUB_PATH ?? '', 'utf8')
    .trim()
    .split('\n')
    .join(':')
  const child = Bun.spawn(['bash', '-eo', 'pipefail', '-c', command], {
    cwd: checkout,
    env: { ...env, PATH: `${added}:${env.PATH}` },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  assert.is(await child.exited, 0, `${command}\n${stdout}${stderr}`)
  return stdout
}

type Workflow = {
  on: unknown
  jobs: Record<string, { 'runs-on': string; steps: { uses?: string; name?: string; run?: string }[] }>
}

test('each step of the workflow runs', async () => {
  const workflow = Bun.YAML.parse(textOf('github-actions.yml')) as Workflow
  const there = machine('actions')
  const [job] = Object.values(workflow.jobs)
  const steps = job?.steps ?? []
  assert.ok(workflow.on !== undefined && job?.['runs-on'] !== undefined && steps.length >= 5)
  let last = ''
  for (const { uses, run: command } of steps) {
    assert.ok(uses !== undefined || command !== undefined)
    // The setting is the runner's own, and no test changes this machine's.
    if (command !== undefined && !command.includes('sysctl')) last = await run(command, there)
  }
  assert.is(last, 'lo\nno secret\n')
  assert.ok(existsSync(join(there.checkout, 'result')))
})

test('the commands of the devcontainer run', async () => {
  const { image, ...rest } = JSON.parse(textOf('devcontainer/devcontainer.json')) as Record<string, string>
  const there = machine('devcontainer')
  assert.type(image, 'string')
  await run(rest.onCreateCommand ?? '', there)
  assert.match(await run(rest.postCreateCommand ?? '', there), 'boxes can run here')
})

test.run()
