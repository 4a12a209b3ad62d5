/** `nsbox rootfs build`: a root from the host's own programs. */
import { hostOfCommand } from '#become-box'
import { line } from '../cli/output.ts'
import { verb } from '../cli/verb.ts'
import { buildPlan } from '../planner/build.ts'
import { apply } from '../options/apply.ts'
import type { Options } from '../options/types.ts'
import { choice, quote, wrong } from '../options/values.ts'
import { UsageError } from '../errors.ts'
import { lateRootfs } from '../lazy.ts'
import { BOX_OPTIONS, EXTRAS, METHODS, OPTIONAL, type RootfsOptions } from '../rootfs/choices.ts'
import { untilSignal } from './until-signal.ts'

export const rootfs = verb<{ args: string[]; how: RootfsOptions }>({
  usage: 'rootfs build DIR|-o FILE PROGRAM|PATH... [OPTIONS] [-- COMMAND...]',
  doc: "make a root from the host's own programs",
  examples: [
    'nsbox rootfs build ./r bash',
    'nsbox rootfs build ./r bash ls cat',
    'nsbox rootfs build ./r python3 /usr/lib/python3.11',
    'nsbox rootfs build ./r --with nss,terminfo --by hardlink vim',
    'nsbox rootfs build -o r.tar python3 --with python,ca-certificates,tz',
    'nsbox rootfs build ./r --trace --check -- convert in.png out.jpg',
    'nsbox rootfs build ./r vim --trace-log strace.log',
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
      value: 'FILE',
      doc: 'write a tar archive (FILE.tar) or a squashfs file (FILE.squashfs, by mksquashfs), and no directory',
    },
    {
      name: 'trace',
      group: 'building a root',
      doc: 'run COMMAND once, in a box where its changes vanish, and add what it opens, executes or looks for and finds',
    },
    {
      name: 'trace-log',
      group: 'building a root',
      value: 'FILE',
      repeat: true,
      doc: 'add what a log of strace -f says that a command used',
    },
    {
      name: 'check',
      group: 'building a root',
      doc: "run COMMAND, or each program's --version, in the finished root; exit status 1 if it ends otherwise than here",
    },
    {
      name: 'net',
      group: 'building a root',
      value: 'host|none',
      choices: ['host', 'none', 'user'],
      doc: 'the network of --trace and --check (default: host)',
    },
    {
      name: 'timeout',
      group: 'building a root',
      value: 'TIME',
      doc: 'end each command of --trace and --check after TIME, such as 10s; what it used until then counts',
    },
    {
      name: 'memory',
      group: 'building a root',
      value: 'SIZE',
      doc: 'limit the memory of each command of --trace and --check, such as 512m',
    },
    {
      name: 'pids',
      group: 'building a root',
      value: 'N',
      doc: 'limit the processes of each command of --trace and --check',
    },
    { name: 'dry-run', group: 'building a root', doc: 'list what the root would have, and write nothing' },
    { name: 'json', group: 'building a root', doc: 'print all of the report as JSON' },
    { name: 'quiet', short: 'q', group: 'building a root', doc: 'print nothing but errors' },
  ],
  words: Infinity,
  parse({ typed, rest, behind }) {
    const how: RootfsOptions = {}
    const box: Options = {}
    for (const {
      option: { name },
      value,
    } of typed) {
      if (isOfBox(name)) apply(box, name, value)
      else if (name === 'by') how.by = choice('by', value, METHODS)
      else if (name === 'with')
        for (const part of value.split(',')) {
          const set = choice('with', part, [...EXTRAS, 'list'] as const)
          if (set === 'list') how.list = true
          else (how.with ??= []).push(set)
        }
      else if (name === 'without')
        for (const part of value.split(',')) (how.without ??= []).push(choice('without', part, OPTIONAL))
      else if (name === 'output') how.output = archive(value)
      else if (name === 'trace-log') (how.traceLogs ??= []).push(value)
      else how[name === 'dry-run' ? 'dryRun' : (name as 'json' | 'quiet' | 'trace' | 'check')] = true
    }
    if (!runsPrograms(how)) {
      const [name] = Object.keys(box)
      if (name !== undefined) throw new UsageError(`--${name}: is for the box of --trace or --check`)
      return { args: rest, how }
    }
    how.box = box
    if (behind !== undefined) how.command = rest.slice(behind)
    return { args: rest.slice(0, behind), how }
  },
  run({ args, how }) {
    if (runsPrograms(how)) {
      const host = hostOfCommand(true)
      return lateRootfs().rootfsInBoxes(args, how, {
        host,
        plan: (options, argv) => buildPlan(options, argv, host),
        out: line,
        untilSignal: (body) => untilSignal('rootfs', body),
      })
    }
    lateRootfs().rootfsCommand(args, how, line)
    return 0
  },
})

const isOfBox = (name: string): boolean => (BOX_OPTIONS as readonly string[]).includes(name)
const runsPrograms = ({ trace, check }: RootfsOptions): boolean => trace === true || check === true

function archive(value: string): string {
  if (!/[^/]\.(tar|squashfs)$/.test(value))
    throw wrong(
      'output',
      `${quote(value)} must end in .tar or .squashfs`,
      'other programs make their images of a directory',
    )
  return value
}
