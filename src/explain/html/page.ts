/**
 * A box as a page: its processes, its mounts beside the host's, and each step with its system call. One file that loads
 * nothing: style and script are in it, and its own policy allows no others. Without the script all steps show.
 */
import { createHash } from 'node:crypto'
import type { BoxPlan, Namespace } from '../../plan/types.ts'
import { VERSION } from '../../version.ts'
import { explain, explanation, type Explanation, type Reader } from '../explain.ts'
import { command } from '../step.ts'
import { escapeHtml, escapeLines } from './escape.ts'
import script from './page-script.txt' with { type: 'text' }
import style from './page.css' with { type: 'text' }
import { boxTree, hostTree } from './trees.ts'

const NAMESPACES: Readonly<Record<Namespace, string>> = {
  mount: 'mounts',
  pid: 'processes',
  user: 'user ids',
  net: 'network',
  ipc: 'IPC',
  uts: 'host name',
  cgroup: 'control groups',
}

type Step = Explanation['steps'][number]

/** The whole page. Nothing is run, and of the host only what `explain` reads is read. */
export function page(given: BoxPlan, host: Reader): string {
  const { plan, steps, attention, shared } = explanation(given, host)
  const title = command(plan.process)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>A box: ${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#steps">To the steps</a>
<header>
<p class="kicker">A box, explained <span>nothing has been run</span></p>
<h1><code>${escapeHtml(title)}</code></h1>
<ul class="facts">${facts(plan, host.uid)
    .map(([name, value]) => `<li><span>${name}</span> <bdi>${escapeHtml(value)}</bdi></li>`)
    .join('')}</ul>
${attention.length === 0 ? '' : `<section class="attention" aria-labelledby="attention"><h2 id="attention">What to look at again</h2><ul>${items(attention)}</ul></section>`}
</header>
<div class="layout">
<nav aria-label="Steps">
<h2 id="steps">Steps</h2>
<ol>${steps.map((step, at) => `<li><a href="#step-${at + 1}">${escapeHtml(step.title)}</a></li>`).join('')}</ol>
</nav>
<main>
<section class="card" aria-labelledby="now">
<div class="bar"><h2 id="now">Step by step</h2><div class="controls" hidden>
<button type="button" id="previous" aria-keyshortcuts="ArrowLeft"><span aria-hidden="true">←</span> Back</button>
<span id="count"></span>
<button type="button" id="next" aria-keyshortcuts="ArrowRight">Next <span aria-hidden="true">→</span></button>
</div></div>
<p id="announce" class="unseen" role="status"></p>
${steps.map((step, at) => article(step, at + 1, steps.length)).join('\n')}
</section>
<section class="picture" aria-labelledby="picture">
<h2 id="picture">The host and the box</h2>
<p class="legend"><span class="key host">host's, writable</span> <span class="key read-only">host's, read-only</span> <span class="key own">the box's own</span> <span class="key hidden">hidden, or not there</span></p>
${processes(plan, steps)}
<div class="columns">
<section aria-labelledby="of-host"><h3 id="of-host">Files of the host</h3>${hostTree(plan)}</section>
<section aria-labelledby="of-box"><h3 id="of-box">What the box sees</h3>${boxTree(plan, madeBy(steps))}</section>
</div>
</section>
<section aria-labelledby="shared"><h2 id="shared">What the box still shares with the host</h2><ul class="shared">${items(shared)}</ul></section>
<section aria-labelledby="texts"><h2 id="texts">The same as text</h2>
<details><summary>The explanation</summary><pre tabindex="0">${escapeLines(explain(plan, host))}</pre></details>
<details><summary>The plan</summary><pre tabindex="0">${escapeLines(JSON.stringify(given, null, 2))}</pre></details></section>
</main>
</div>
<footer>nsbox ${escapeHtml(VERSION)}, contract ${plan.contract}. <kbd>←</kbd> and <kbd>→</kbd> go through the steps.</footer>
<script>${script}</script>
</body>
</html>
`
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
const items = (texts: readonly string[]): string => texts.map((text) => `<li>${escapeHtml(text)}</li>`).join('')

function facts({ root, namespaces, process, idmap }: BoxPlan, uid: number): [string, string][] {
  const files = root.type === 'directory' && root.path === '/' ? "the host's root" : rootText(root)
  const me = idmap?.uid.find(({ outside, count }) => uid >= outside && uid < outside + count)
  const inside = process.uid ?? (me === undefined ? (idmap === undefined ? uid : 65534) : me.inside + uid - me.outside)
  return [
    ['Files', `${files}${root.options?.includes('ro') ? ', read-only' : ''}`],
    ['Network', namespaces.includes('net') ? 'its own' : "the host's"],
    ['User', `${inside}${idmap === undefined ? ', as on the host' : ' in its own ids'}`],
    ['Capabilities', process.capabilities?.length ? String(process.capabilities.length) : 'none'],
    ['System calls', process.seccomp === undefined ? 'not filtered' : 'filtered'],
  ]
}

function rootText(root: BoxPlan['root']): string {
  switch (root.type) {
    case 'directory':
      return root.path
    case 'layers':
      return root.image === undefined ? `an overlay over ${root.lowers[0] ?? 'an image'}` : `the image ${root.image}`
    case 'empty':
      return 'an empty root'
  }
}

function article({ title, calls, why, also = [], shown }: Step, number: number, count: number): string {
  const place = shown?.where === 'outside' ? 'outside, with the PID of a process of the box' : 'in a shell in the box'
  const see =
    shown === undefined
      ? ''
      : `<p class="see"><strong>See</strong> ${shown.run === undefined ? '' : `<code>${escapeHtml(shown.run)}</code> <span>${place}${shown.note === undefined ? '' : `: ${escapeHtml(shown.note)}`}</span> `}<span class="manual">${escapeHtml(shown.page)}</span></p>`
  return `<article id="step-${number}" aria-labelledby="title-${number}">
<h3 id="title-${number}"><span class="number">${number}<span class="unseen"> of ${count}:</span></span> ${escapeHtml(title)}</h3>
<pre class="call" tabindex="0" aria-label="System calls"><code>${escapeHtml(calls)}</code></pre>
<p>${escapeHtml(why)}</p>
${also.length === 0 ? '' : `<ul>${items(also)}</ul>`}
${see}
</article>`
}

/** Numbers of the steps, from 1 on, that make or change a path of the box. */
function madeBy(steps: readonly Step[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  steps.forEach(({ targets = [] }, at) => {
    for (const target of targets) found.set(target, [...(found.get(target) ?? []), at + 1])
  })
  return found
}

/** The processes outside and inside, and whose each namespace is. */
function processes(plan: BoxPlan, steps: readonly Step[]): string {
  const step = (moment: Step['moment']) => steps.findIndex((one) => one.moment === moment) + 1
  const process = (name: string, note: string, made: number, also = '') =>
    `<li><div class="process" data-made="${made || ''}"><span class="path">${escapeHtml(name)}</span> <span class="note">${escapeHtml(note)}</span></div>${also}</li>`
  const inside = (id: string) =>
    plan.namespaces.includes('pid') ? `process ${id} of the box` : 'a process of the host'
  const program = command(plan.process)
  const run = (id: string) => process(program, inside(id), step('command'))
  const box =
    plan.supervision?.init === true ? process('init', inside('1'), step('init'), `<ul>${run('2')}</ul>`) : run('1')
  const own = (name: Namespace) => plan.namespaces.includes(name)
  const names = Object.keys(NAMESPACES) as Namespace[]
  return `<div class="columns processes">
<section aria-labelledby="outside"><h3 id="outside">Processes outside</h3>
<ul class="tree"><li><div class="process"><span class="path">whoever started it</span></div><ul>${process('nsbox', 'makes the box, waits, passes signals on', 1)}</ul></li></ul></section>
<section aria-labelledby="inside" class="boundary" data-made="${step('process')}"><h3 id="inside">Processes in the box</h3>
<ul class="tree">${box}</ul>
<p class="namespaces"><span>Its own:</span> ${names
    .filter(own)
    .map((name) => `<span class="chip own">${NAMESPACES[name]}</span>`)
    .join(' ')}</p>
${
  names.every(own)
    ? ''
    : `<p class="namespaces"><span>The host's:</span> ${names
        .filter((name) => !own(name))
        .map((name) => `<span class="chip host">${NAMESPACES[name]}</span>`)
        .join(' ')}</p>`
}
</section></div>`
}
