/** The commands of docs/guides/roots.md, as they stand there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { shellBlocks } from '../helpers/documents.ts'
import { type Guest, inGuest } from './guest.ts'

const SERVICE = `
import http.server, ssl, sqlite3
class Handler(http.server.BaseHTTPRequestHandler):
  def do_GET(self):
    answer = sqlite3.connect(":memory:").execute("select 6*7").fetchone()[0]
    self.send_response(200); self.end_headers(); self.wfile.write(b"answer %d\\n" % answer)
  def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", 8000), Handler).serve_forever()
`
const JAVA = `
public class Main {
  public static void main(String[] words) throws Exception {
    System.out.println(javax.net.ssl.SSLContext.getDefault().getProtocol());
    System.out.println(java.time.ZoneId.of("Asia/Tokyo").getRules().getOffset(java.time.Instant.EPOCH));
  }
}
`

/** The input of the blocks, in the directory where they run; programs make what isn't text. */
const INPUT = `
if command -v javac >/dev/null; then javac Main.java && jar --create --file main.jar --main-class Main Main.class; fi
if command -v ffmpeg >/dev/null; then ffmpeg -v error -f lavfi -i testsrc=duration=1:rate=5:size=128x96 media/in.mp4; fi
`

function prepare(work: string): void {
  for (const name of ['app', 'src', 'media']) mkdirSync(join(work, name))
  writeFileSync(join(work, 'app/service.py'), SERVICE)
  writeFileSync(join(work, 'Main.java'), JAVA)
  writeFileSync(join(work, 'src/hello.c'), '#include <stdio.h>\nint main(void) { return puts("hello") < 0; }\n')
  writeFileSync(join(work, 'src/Makefile'), 'CC = gcc\n')
}

/** What they have to print. */
const PRINTED = {
  everyday: ['note: is an interpreter, and its python library is not in the root: /usr/bin/python3', 'answer 42\n'],
  all: ['Default\n+09:00\n', 'hello\n', 'list directory contents\n'],
} as const

/** What is wrong with the guide's blocks of this kind; undefined where they work. The first that fails ends it. */
export function guideFault(guest: Guest, kind: 'everyday' | 'all'): string | undefined {
  const blocks = shellBlocks('docs/guides/roots.md', kind)
  let output: string
  try {
    output = inGuest(guest, ['/bin/bash', '-ec', ['cd /work', INPUT, ...blocks].join('\n')], prepare)
  } catch (error) {
    return String(error)
  }
  const lacking = PRINTED[kind].find((text) => !output.includes(text))
  return lacking === undefined ? undefined : `did not print ${lacking}: ${output}`
}
