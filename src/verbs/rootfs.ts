/** `nsbox rootfs build`: a root from the host's own programs. */
import { line } from '../cli/output.ts'
import { verb } from '../cli/verb.ts'
import { lateRootfs } from '../lazy.ts'
import { choice, quote, wrong } from '../options/values.ts'
import { EXTRAS, METHODS, OPTIONAL, type RootfsOptions } from '../rootfs/choices.ts'

export const rootfs = verb<{ args: string[]; how: RootfsOptions }>({
  usage: 'rootfs build DIR|-o FILE PROGRAM|PATH... [OPTIONS]',
  doc: "make a root from the host's own programs",
  examples: [
    'nsbox rootfs build ./r bash',
    'nsbox rootfs build ./r bash ls cat',
    'nsbox rootfs build ./r python3 /usr/lib/python3.11',
    'nsbox rootfs build ./r --with nss,terminfo --by hardlink vim',
    'nsbox rootfs build -o r.tar python3 --with python,ca-certificates,tz',
  ],
  own: [
    {
      name: 'by',
      group: 'building a root',
      value: 'copy|hardlink|reflink',
      choices: METHODS,
      doc: "how files get into the root; hard links are the host's own files",
    },
    {
      name: 'with',
      group: 'building a root',
      value: 'WHAT[,WHAT]',
      repeat: true,
      choices: [...EXTRAS, 'list'],
      doc: `add files that programs open only at run time: ${EXTRAS.join(', ')}; list shows what each set adds on this host`,
    },
    {
      name: 'without',
      group: 'building a root',
      value: 'WHAT[,WHAT]',
      repeat: true,
      choices: OPTIONAL,
      doc: 'leave out libraries that an ELF file itself calls recommended or suggested',
    },
    {
      name: 'output',
      short: 'o',
      group: 'building a root',
      value: 'FILE.tar',
      doc: 'write a tar archive, and no directory',
    },
    { name: 'dry-run', group: 'building a root', doc: 'list what the root would have, and write nothing' },
    { name: 'json', group: 'building a root', doc: 'print all of the report as JSON' },
    { name: 'quiet', group: 'building a root', doc: 'print nothing but errors' },
  ],
  words: Infinity,
  parse({ typed, rest }) {
    const how: RootfsOptions = {}
    for (const {
      option: { name },
      value,
    } of typed) {
      if (name === 'by') how.by = choice('by', value, METHODS)
      else if (name === 'with')
        for (const part of value.split(',')) {
          const set = choice('with', part, [...EXTRAS, 'list'] as const)
          if (set === 'list') how.list = true
          else (how.with ??= []).push(set)
        }
      else if (name === 'without')
        for (const part of value.split(',')) (how.without ??= []).push(choice('without', part, OPTIONAL))
      else if (name === 'output') how.output = archive(value)
      else how[name === 'dry-run' ? 'dryRun' : (name as 'json' | 'quiet')] = true
    }
    return { args: rest, how }
  },
  run({ args, how }) {
    lateRootfs().rootfsCommand(args, how, line)
    return 0
  },
})

function archive(value: string): string {
  if (!/[^/]\.tar$/.test(value))
    throw wrong('output', `${quote(value)} must end in .tar`, 'mksquashfs and others make their images of a directory')
  return value
}
