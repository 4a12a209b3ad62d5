/** Hosts of a test's own: names that lead to a server of the test on loopback, in mount namespaces of their own. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { asRoot, NSBOX, OUTSIDE_OF_TMP, type Ran } from './nsbox.ts'

/** A server on 127.0.0.1; with TLS, if it has a key and a certificate. */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  tls?: { key: string; cert: string },
): Promise<{ port: number; close: () => void }> {
  const server: Server = tls === undefined ? createServer(answer) : createSecureServer(tls, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** A user has to have the privilege to mount in the namespace that shows the hosts, and nsbox starts without it. */
const UNSHARE = asRoot ? ['-m'] : ['-m', '--map-current-user', '--keep-caps']
const START = asRoot ? 'exec "$@"' : 'exec setpriv --ambient-caps=-all --inh-caps=-all "$@"'

/**
 * Runs nsbox where /etc/hosts of this machine has this text, and nobody answers for other names. `before`: commands of
 * a shell for further mounts. Does not block, so a server of the test can answer.
 */
export function nsboxAmong(
  dir: string,
  hosts: string,
  args: readonly string[],
  { before = 'true', program = NSBOX, env }: { before?: string; program?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran & { events: Record<string, unknown>[] }> {
  writeFileSync(join(dir, 'hosts'), `127.0.0.1 localhost\n${hosts}`)
  // A server that there isn't.
  writeFileSync(join(dir, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
  const script = `mount --bind "$0/hosts" /etc/hosts && { [ ! -e /etc/resolv.conf ] || mount --bind "$0/resolv.conf" /etc/resolv.conf; } && ${before} && ${START}`
  const child = spawn('unshare', [...UNSHARE, 'sh', '-c', script, dir, program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...OUTSIDE_OF_TMP,
    ...(env && { env }),
    timeout: 60000,
  })
  const texts = ['', '', '']
  const streams = [child.stdout, child.stderr, child.stdio[3]] as NodeJS.ReadableStream[]
  for (const [n, stream] of streams.entries())
    stream.on('data', (data: Buffer) => {
      texts[n] += String(data)
    })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => {
      const [stdout = '', stderr = '', lines = ''] = texts
      const events = lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      resolve({ status, signal, stdout, stderr, events })
    })
  })
}
