#!/usr/bin/env node
// Runs JavaScript that nobody has read, with limits on its time and output, and without a network, your files or your environment.
//
//   node examples/run-code.mjs                    guide: docs/guides/run-code.md
import { box, SandboxError } from 'nsbox'

const RUNTIME = '/tmp/runtime'

const sandbox = box({
  ro: true,
  net: 'none',
  clearEnv: true,
  env: { PATH: '/usr/bin:/bin', HOME: '/tmp' },
  cwd: '/tmp',
  tmpfs: ['/tmp:size=16m', '/home', '/root', '/run', '/var'],
  roBind: `${process.execPath}:${RUNTIME}`,
  capDrop: 'all',
  ulimit: ['cpu=5', 'fsize=1m', 'nofile=256', 'core=0'],
})

/** Runs the code; returns its output and how it ended. */
export async function runCode(code) {
  try {
    const { exitCode, signal, timedOut, stdout, stderr } = await sandbox.run([RUNTIME, '-e', code], { timeout: 3000, maxBuffer: 64 * 1024 })
    const end = timedOut ? 'took too long' : signal ? `killed by ${signal}` : exitCode === 0 ? 'done' : `failed with ${exitCode}`
    return { end, stdout, stderr }
  } catch (error) {
    if (error instanceof RangeError) return { end: 'said too much', stdout: '', stderr: '' }
    if (error instanceof SandboxError) throw new Error(`no box could be made: ${error.message}\n${error.hint ?? ''}`)
    throw error
  }
}

const GENERATED = {
  'adds up': 'console.log([1, 2, 3].reduce((a, b) => a + b))',
  'never ends': 'for (;;);',
  'says too much': 'for (;;) console.log("x".repeat(1000))',
  'leaves a process behind': 'require("child_process").spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }).unref()',
  'looks for your keys': 'console.log(require("fs").readdirSync("/root").concat(require("fs").readdirSync("/home")).length, "files;", Object.keys(process.env).length < 8 ? "no environment" : "an environment")',
  'changes the machine': 'require("fs").writeFileSync("/etc/motd", "was here")',
  'calls home': 'require("net").connect(80, "192.0.2.1").on("error", (error) => console.log(error.code))',
}

for (const [name, code] of Object.entries(GENERATED)) {
  const { end, stdout, stderr } = await runCode(code)
  const said = stdout.trim() || /\b(EROFS|EACCES|EPERM)\b/.exec(stderr)?.[0] || ''
  console.log(`${name}: ${end}${said === '' ? '' : `: ${said}`}`)
}
