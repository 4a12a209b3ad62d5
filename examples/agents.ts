#!/usr/bin/env bun
// The command line of an agent: a tool that runs each command in a box, and answers whatever the command does.
//
//   bun examples/agents.ts [WORKSPACE]            guide: docs/guides/agents.md
import { mkdtempSync } from 'node:fs'
import { resolve } from 'node:path'
import { box } from 'nsbox'

/** A call of the tool, as a model writes it. */
export type Call = { command: string; seconds?: number }

const workspace = resolve(process.argv[2] ?? mkdtempSync('/var/tmp/workspace-'))

const sandbox = box({
  ro: true, // the machine's programs can be read and run
  net: 'none',
  clearEnv: true, // no token of yours
  env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', TERM: 'dumb' },
  tmpfs: ['/tmp', '/home', '/root', '/run', '/var'],
  bind: `${workspace}:/work`, // the only place of the host that it can change
  cwd: '/work',
  capDrop: 'all',
  ulimit: ['core=0', 'nofile=1024'],
})

/** Characters of output that a model is shown. */
const SHOWN = 8000

/** The text with its middle left out: the start says what was done, and the end how it ended. */
function shortened(text: string): string {
  const left = text.length - SHOWN
  return left <= 0 ? text : `${text.slice(0, SHOWN / 2)}\n[${left} characters left out]\n${text.slice(-SHOWN / 2)}`
}

/** Runs the command in the box; returns what a model reads. Rejects with SandboxError if nsbox itself fails, and with the signal's reason. */
export async function runTool({ command, seconds = 30 }: Call, signal?: AbortSignal): Promise<string> {
  try {
    const { exitCode, timedOut, stdout, stderr } = await sandbox.run(['sh', '-c', '--', command], {
      timeout: seconds * 1000,
      maxBuffer: 1024 * 1024,
      ...(signal && { signal }),
    })
    const end = timedOut ? `ended after ${seconds} seconds` : `status ${exitCode}`
    return [shortened(stdout.trimEnd()), shortened(stderr.trimEnd()), `[${end}]`].filter((part) => part !== '').join('\n')
  } catch (error) {
    if (error instanceof RangeError) return '[stopped: more output than fits]'
    throw error
  }
}

/** What a model might write; a real agent takes these from its answers. */
const CALLS: Call[] = [
  { command: 'echo "export const answer = 6 * 7" >answer.js; ls' },
  { command: 'cat answer.js; env | sort' },
  { command: 'ls ~/.ssh /home /root' },
  { command: 'touch /etc/x' },
  { command: 'sleep 1000 & sleep 60', seconds: 1 },
  { command: 'yes' },
  { command: 'seq 1 5000' },
  { command: '--privileged' },
]

for (const call of CALLS) console.log(`$ ${call.command}\n${await runTool(call)}`)
