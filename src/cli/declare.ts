/**
 * The command line as cac has it: verbs, and the options of the table. cac is loaded by the first call and not before: it
 * costs about 1 ms, which a box that only starts should not pay.
 */
import type { CAC } from 'cac'
import type { Verb } from './argv.ts'
import { optionsOf, type OptionRow } from './options.ts'

type Page = {
  usage: string
  doc: string
  /** Takes options of the table. */
  options?: true
  examples: readonly string[]
}

export const VERB_PAGES: Readonly<Record<Verb, Page>> = {
  run: {
    usage: 'run [OPTIONS] [--plan FILE|-] [--] [COMMAND [ARG...]]', doc: 'run a command in a box; the verb may be left out', options: true,
    examples: ['nsbox --tmpfs /tmp --root ./r bash', 'nsbox --ro --net none --tmpfs /tmp -- make test', 'nsbox run --plan box.json'],
  },
  plan: {
    usage: 'plan [OPTIONS] [--] COMMAND [ARG...]', doc: 'print the plan as JSON; run nothing', options: true,
    examples: ['nsbox plan --tmpfs /tmp bash', 'nsbox plan --ro make test > box.json', 'nsbox plan --root ./r bash | nsbox run --plan -'],
  },
  explain: {
    usage: 'explain [OPTIONS] [--] COMMAND [ARG...]', doc: 'say in words, step by step, what would happen; run nothing', options: true,
    examples: ['nsbox explain bash', 'nsbox explain --net none --map-root bash', 'nsbox explain --root ./r --ro-bind /usr bash'],
  },
  bake: {
    usage: 'bake -o FILE [OPTIONS] [--] COMMAND [ARG...]', doc: 'make a program of a box, which starts without nsbox', options: true,
    examples: ['nsbox bake -o ./build --net none make', 'nsbox bake -o ./r.box --relative --root ./r bash', 'nsbox bake --force -o ./sh --overlay sh'],
  },
  enter: {
    usage: 'enter PID [OPTIONS] [--] COMMAND [ARG...]', doc: 'run a command in a running box, with its privileges', options: true,
    examples: ['nsbox enter 1234 bash', 'nsbox enter 1234 --cwd / -- ls -la', 'nsbox enter 1234 --env DEBUG=1 ps'],
  },
  rootfs: {
    usage: 'rootfs build DIR PROGRAM... [OPTIONS]', doc: 'make a root from the host\'s own programs', options: true,
    examples: ['nsbox rootfs build ./r bash', 'nsbox rootfs build ./r bash ls cat', 'nsbox rootfs build ./r --with nss,terminfo --by hardlink vim'],
  },
  doctor: {
    usage: 'doctor [--json]', doc: 'what this kernel, user and host allow; the fix for the rest', options: true,
    examples: ['nsbox doctor', 'nsbox doctor --json'],
  },
  help: { usage: 'help [VERB]', doc: 'this text, or that of a verb', examples: ['nsbox help', 'nsbox help run', 'nsbox --version'] },
}

export function declare(): CAC {
  const { cac } = require('cac') as typeof import('cac')
  const cli = cac('nsbox')
  cli.usage('[OPTIONS] [--] COMMAND [ARG...]\n  $ nsbox VERB ...')
  for (const example of VERB_PAGES.run.examples) cli.example(`  $ ${example}`)
  for (const [verb, page] of Object.entries(VERB_PAGES)) {
    const command = cli.command(verb, page.doc).usage(page.usage)
    for (const option of page.options ? optionsOf(verb as Verb) : []) command.option(cacName(option), option.doc)
    for (const example of page.examples) command.example(`  $ ${example}`)
  }
  return cli
}

function cacName(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} <${option.value}>` : `${name} [${option.value}]`
}

