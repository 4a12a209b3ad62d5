/**
 * Writes the manual page, from the verbs' pages and the option table. It reads the tables of messages and
 * exit statuses from their page.
 */
import { readFileSync } from 'node:fs'
import { allOptions, QUESTION_ROWS } from '../src/cli/verb-options.ts'
import { VERBS, type VerbName } from '../src/cli/verb.ts'
import { ROWS } from '../src/verbs/rows.ts'
import { NOTES } from '../src/cli/help.ts'
import { GROUPS, OPTIONS, synopsis, type OptionRow } from '../src/options/rows.ts'
import { VERSION } from '../src/version.ts'

const page = readFileSync(new URL('../docs/troubleshooting.md', import.meta.url), 'utf8')

/** Escapes a text for groff_man(7): dashes stay ASCII dashes, and no line starts with a request. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('`', '\\(ga')
}

/** Markdown of one line: code in bold. */
const marked = (text: string): string =>
  text
    .split('`')
    .map((part, i) => (i % 2 ? `\\fB${roff(part)}\\fR` : roff(part)))
    .join('')

/** "--bind SRC[:DST]" with the name in bold and the value in italics. */
function head(option: OptionRow): string {
  const [, names = '', value = ''] = /^((?:-\w, )?--[\w-]+)(.*)$/s.exec(synopsis(option)) ?? []
  return `\\fB${roff(names)}\\fR${value.replace(/[A-Za-z|]+/g, (word) => `\\fI${word}\\fR`)}`
}

/** The rows of the page's table under a heading. */
function pageTable(heading: string): [string, string][] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0]
  const rows = [...(section ?? '').matchAll(/^\| (.+?) \| (.+?) \|$/gm)].map((match): [string, string] => [
    match[1] ?? '',
    match[2] ?? '',
  ])
  if (rows.length === 0) throw new Error(`docs/troubleshooting.md: no table under "${heading}"`)
  return rows.filter(([left]) => left !== '---' && left !== 'message')
}

/** The head of an entry may not be folded: its second line would be part of the text. */
const TAG = '.TP\n'
const entries = (rows: readonly [string, string][]): string[] => rows.flatMap(([left, right]) => [TAG + left, right])

/** "127 / 126" and "A / B" are two rows. */
const apart = (rows: readonly [string, string][]): [string, string][] =>
  rows.flatMap(([left, right]): [string, string][] => {
    const [lefts, rights] = [left.split(' / '), right.split(' / ')]
    return lefts.length === rights.length ? lefts.map((one, n) => [one, rights[n] as string]) : [[left, right]]
  })

/** The box that a command finds where no option says otherwise, and the options that change it. */
const DEFAULTS: readonly [string, string][] = [
  [
    'Files',
    'Those of the host, as the caller may use them; --root DIR shows DIR alone. A mount stays in the box. A mount point that had to be made in the ' +
      "host's own root is taken away again; in a root of its own it stays. With --ro the root is read-only, with --overlay its changes vanish.",
  ],
  [
    '/proc and /dev',
    "/proc of the box's own processes and a minimal /dev, where the root has these directories. Files in /proc and /sys that show or change " +
      'the machine are masked or read-only.',
  ],
  [
    'Namespaces',
    'New ones for mounts, processes, IPC, the host name and control groups, and for user ids unless root starts the box; --share keeps one. ' +
      "The network is the host's; --net none leaves a loopback alone.",
  ],
  [
    'Identity and privileges',
    "The caller's user and group. No capability, unless the command is root in the box: then those that container engines give. Setuid programs " +
      'gain nothing. A filter refuses system calls that no usual program needs. --privileged switches all of it off.',
  ],
  [
    'Environment',
    'The variables, terminal, umask, soft limits and ignored signals of the caller. Descriptors 0, 1 and 2, and no other.',
  ],
  [
    'Directory',
    "The caller's. Where the box does not show it, nsbox fails; --cwd names another. A root of its own that has no such directory starts in /.",
  ],
  [
    'Processes',
    'Process 1 of the box reaps what the command leaves behind. When the command ends, so does all else in the box. When nsbox is killed, the box is too.',
  ],
  ['Limits', 'The box sets none; --timeout, --memory, --cpus, --pids and --ulimit do.'],
]
const verbLine = (verb: VerbName): string =>
  `\\fBnsbox\\fR ${ROWS[verb].usage
    .split(' ')
    .map((word) => (/^-?-?[a-z]/.test(word) && !word.includes('|') ? `\\fB${roff(word)}\\fR` : roff(word)))
    .join(' ')}`

function optionGroups(): string[] {
  const options = [...allOptions(ROWS), ...QUESTION_ROWS]
  return GROUPS.flatMap((group) => {
    const verbs = VERBS.filter((verb) => ROWS[verb].own?.some((option) => option.group === group))
    const only = OPTIONS.some((option) => option.group === group) ? '' : ` (nsbox ${verbs.join(', ')})`
    return [
      `.SS ${group[0]?.toUpperCase()}${group.slice(1)}${only}`,
      ...entries(options.filter((option) => option.group === group).map((option) => [head(option), roff(option.doc)])),
    ]
  })
}

export function manualPage(): string {
  const lines = [
    '.\\" Generated by scripts/gen.ts from src/cli/; change the tables there, not this file.',
    `.TH NSBOX 1 "" "nsbox ${VERSION}" "User Commands"`,
    '.SH NAME',
    'nsbox \\- run a command in its own view of the machine',
    '.SH SYNOPSIS',
    '.nf',
    '\\fBnsbox\\fR [OPTIONS] [\\-\\-] COMMAND [ARG...]',
    ...VERBS.map(verbLine),
    '.fi',
    '.SH DESCRIPTION',
    'nsbox runs a command with its own mounts, root directory, process ids, host name and, on demand, network.',
    'Nothing of it shows on the host, and no privilege is needed.',
    roff('Without --root the box sees the files of the host; with it, only that root.'),
    '.SS Verbs',
    ...entries(VERBS.map((verb) => [`\\fB${verb}\\fR`, roff(ROWS[verb].doc)])),
    '.SH A BOX BY DEFAULT',
    'nsbox explain COMMAND says what holds for one box.',
    ...entries(DEFAULTS.map(([left, right]) => [`\\fB${roff(left)}\\fR`, roff(right)])),
    '.SH OPTIONS',
    roff(NOTES),
    ...optionGroups(),
    '.SH EXIT STATUS',
    ...entries(apart(pageTable('Exit status')).map(([left, right]) => [marked(left), marked(right)])),
    '.SH DIAGNOSTICS',
    'A message is one line on standard error, and where a way out is known a line "hint:" follows.',
    ...entries(pageTable('Troubleshooting').map(([left, right]) => [marked(left), marked(right)])),
    '.SH EXAMPLES',
    '.nf',
    ...[...new Set(VERBS.flatMap((verb) => ROWS[verb].examples))].map(roff),
    '.fi',
    '.SH SEE ALSO',
    '.BR bwrap (1), .BR unshare (1), .BR namespaces (7), .BR user_namespaces (7), .BR mount_namespaces (7), .BR capabilities (7)'.replaceAll(
      ', .BR',
      ',\n.BR',
    ),
  ]
  return `${lines.flatMap(folded).join('\n')}\n`
}

/** Wraps a text at 78 characters. No line may start with a dot or a quote, which would make it a request. */
function folded(line: string): string[] {
  if (line.startsWith(TAG)) return [line]
  if (line.startsWith('.') || line.startsWith('\\fBnsbox') || line.startsWith('nsbox ')) return [line]
  return line
    .split('\n')
    .flatMap((part) =>
      part
        .replace(/(.{1,78})(?: |$)/g, '$1\n')
        .trimEnd()
        .split('\n'),
    )
    .map((part) => part.replace(/^(?=[.'])/, '\\&'))
}
