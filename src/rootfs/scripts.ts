/** The interpreter that the kernel and env(1) start for a script. */
import { closeSync, openSync, readSync } from 'node:fs'

/** The kernel reads no more of a script's first line. */
const LINE = 256

/** The interpreter and its single argument, as the kernel reads them. */
export function shebang(path: string): [string?, string?] {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(LINE)
    const line = bytes.toString('utf8', 0, readSync(fd, bytes, 0, LINE, 0)).split(/[\n\0]/, 1)[0] ?? ''
    const match = /^#![ \t]*([^ \t]+)[ \t]*(.*?)[ \t]*$/.exec(line)
    return match === null ? [] : [match[1] ?? '', match[2] ?? '']
  } finally {
    closeSync(fd)
  }
}

/** The program that `env ARGUMENT` starts. Without -S the whole argument is one word. */
export function envProgram(argument: string | undefined): string | undefined {
  const strings = /^(?:-[0iv]*S|--split-string[= ])[ \t]*(.*)$/.exec(argument ?? '')?.[1]
  if (strings === undefined) return argument === undefined || /^$|^-|=/.test(argument) ? undefined : argument
  const words = strings.split(/[ \t]+/).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (/^-[uCa]$/.test(word)) i++
    else if (word !== '' && !word.startsWith('-') && !word.includes('=')) return word
  }
  return undefined
}
