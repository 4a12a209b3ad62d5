/**
 * The address of a release, which package.json has once (config.release), in the texts that users copy from: README,
 * install.sh and the examples. There it is the value of a variable.
 */
import { readFileSync } from 'node:fs'

const root = new URL('..', import.meta.url).pathname
const VARIABLE = /((?:NSBOX_)?RELEASE(?:=|: |": "))https?:\/\/[^\s"]+/

/** The files that name it, each once. */
export const WITH_RELEASE = [
  'README.md',
  'README.zh.md',
  'examples/ci/github-actions.yml',
  'examples/ci/devcontainer/devcontainer.json',
  'scripts/release/install.sh',
] as const

const manifest = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
  version: string
  config: { release: string }
}

/** A file's text with the address of this version's release; throws if the text has no such variable. */
export function withRelease(path: string): string {
  const text = readFileSync(root + path, 'utf8')
  if (!VARIABLE.test(text)) throw new Error(`${path}: has no variable RELEASE with an address`)
  return text.replace(VARIABLE, `$1${manifest.config.release.replaceAll('VERSION', manifest.version)}`)
}
