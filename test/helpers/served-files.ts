/** A server with what clients of the network ask for: a page, a Git repository, indexes of packages. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { dirname, join } from 'node:path'
import { serve } from './named-hosts.ts'
import { execute } from './nsbox.ts'

export const has = (program: string): boolean => execute('sh', ['-c', `command -v ${program}`]).status === 0

/** Files by their path below the top. */
const FILES: Readonly<Record<string, string>> = {
  page: 'hello\n',
  // pip
  'simple/none/index.html': '<!DOCTYPE html><html><body></body></html>',
  // npm
  left: JSON.stringify({
    name: 'left',
    'dist-tags': { latest: '1.2.3' },
    versions: { '1.2.3': { name: 'left', version: '1.2.3' } },
  }),
  // apt
  'apt/Packages': 'Package: left\nVersion: 1.2.3\nArchitecture: all\nFilename: ./left.deb\nSize: 1\nSHA256: 0\n',
  // cargo
  'crates/config.json': 'with the address of the server, made at each request',
  'crates/le/ft/left': `${JSON.stringify({
    name: 'left',
    vers: '1.2.3',
    deps: [],
    cksum: createHash('sha256').update('').digest('hex'),
    features: {},
    yanked: false,
  })}\n`,
}

/** A repository for Git's dumb protocol. */
const REPOSITORY =
  'git init -q work && cd work && git -c user.name=n -c user.email=e commit -q --allow-empty -m first && git clone -q --bare . ../served/repo.git && cd ../served/repo.git && git update-server-info'

function content(dir: string): string {
  const top = join(dir, 'served')
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(top, path)), { recursive: true })
    writeFileSync(join(top, path), text)
  }
  if (has('git')) execFileSync('sh', ['-c', REPOSITORY], { cwd: dir, stdio: 'pipe' })
  return top
}

function typeOf(path: string): string {
  if (path.endsWith('/')) return 'text/html'
  return path.endsWith('/left') ? 'application/json' : 'text/plain'
}

/** `asked`: the requests so far, each by the host's name and the path. `tls`: files of PEM, for a server of HTTPS. */
export async function serveFiles(
  dir: string,
  tls?: { key: string; cert: string },
): Promise<{ port: number; close: () => void; asked: string[] }> {
  const top = content(dir)
  const asked: string[] = []
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { host = '' } = request.headers
    const path = new URL(request.url ?? '/', 'http://x').pathname
    asked.push(`${host.replace(/:\d+$/, '')} ${path}`)
    const file = join(top, path.endsWith('/') ? `${path}index.html` : path)
    const is = existsSync(file) && statSync(file).isFile()
    response.statusCode = is ? 200 : 404
    response.setHeader('content-type', typeOf(path))
    if (path === '/crates/config.json') response.end(JSON.stringify({ dl: `http://${host}/crates/dl` }))
    else response.end(is ? readFileSync(file) : 'none\n')
  }
  return { ...(await serve(answer, tls)), asked }
}
