/** A release of this build, made quickly: one archive, its digest, and install.sh. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { TOP } from './documents.ts'
import { execute, NSBOX } from './nsbox.ts'
import { VERSION } from './package.ts'

/** What all of it is made of: DIR/NAME. */
export const RELEASE_NAME = `nsbox-${VERSION}-linux-${process.arch}`

/** Makes it in `dir`/release, from `dir`/NAME, and returns the former. */
export function quickRelease(dir: string): string {
  const [files, out] = [join(dir, RELEASE_NAME), join(dir, 'release')]
  mkdirSync(out)
  const script = `install -D -m 755 "$1" "$2/nsbox"; install -m 644 LICENSE docs/nsbox.1 dist/THIRD-PARTY.txt "$2"
install -D -m 644 -t "$2/completions" docs/completions/*; install -D -m 644 scripts/release/apparmor "$2/apparmor/nsbox"
tar -C "$(dirname "$2")" -cf - "$(basename "$2")" | gzip -1 >"$3/$(basename "$2").tar.gz"
install -m 755 scripts/release/install.sh "$3"`
  const made = execute('sh', ['-euc', script, 'sh', NSBOX, files, out], { cwd: TOP, timeout: 200_000 })
  if (made.status !== 0) throw new Error(made.stderr)
  const archive = `${RELEASE_NAME}.tar.gz`
  const digest = createHash('sha256')
    .update(readFileSync(join(out, archive)))
    .digest('hex')
  writeFileSync(join(out, 'SHA256SUMS'), `${digest}  ${archive}\n`)
  return out
}
