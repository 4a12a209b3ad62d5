/**
 * `make docs`: the documents as pages that browsers show, in dist/docs, with a search that needs no server. They work
 * from a directory too.
 *
 *   bun scripts/docs/build.ts [OUT]
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import MiniSearch from 'minisearch'
import { VERSION } from '../../src/version.ts'
import { FIELDS } from './fields.ts'
import { pathOf, render, type Rendered } from './markdown.ts'
import { wordsOf } from './words.ts'

const TOP = resolve(import.meta.dir, '../..')

/** The menu; a document that stands nowhere here comes at the end of its folder's part. */
const MENU: readonly { title: string; documents: readonly string[]; folder?: string }[] = [
  { title: 'Start', documents: ['README.md', 'README.zh.md', 'docs/how-it-works.md'] },
  { title: 'Guides', documents: ['docs/guides/by-hand.md'], folder: 'docs/guides' },
  {
    title: 'Reference',
    documents: ['docs/options.md', 'docs/troubleshooting.md', 'docs/library.md', 'docs/api.md'],
    folder: 'docs',
  },
  { title: 'Project', documents: ['CONTRIBUTING.md', 'CHANGELOG.md'] },
]

const isNowhere = (document: string): boolean => !MENU.some(({ documents }) => documents.includes(document))

type Page = Rendered & { document: string; path: string }

/** Writes the site into OUT, which is replaced; returns the paths of its pages below OUT. */
export async function buildSite(out: string): Promise<string[]> {
  const menu = MENU.map(({ title, documents, folder }) => ({
    title,
    documents: [...new Set([...documents, ...(folder === undefined ? [] : markdownIn(folder).filter(isNowhere))])],
  }))
  const documents = new Set(menu.flatMap((part) => part.documents))
  const pages = [...documents].map((document): Page => ({
    document,
    path: pathOf(document),
    ...render(document, readFileSync(join(TOP, document), 'utf8'), documents),
  }))
  rmSync(out, { recursive: true, force: true })
  const byDocument = new Map(pages.map((page) => [page.document, page]))
  const parts = menu.map(({ title, documents }) => ({
    title,
    pages: documents.map((name) => byDocument.get(name) as Page),
  }))
  for (const page of pages) {
    put(join(out, page.path), pageText(page, parts))
    for (const file of page.files) cpSync(join(TOP, file), join(out, file), { recursive: true })
  }
  cpSync(join(import.meta.dir, 'site.css'), join(out, 'site.css'))
  put(join(out, 'search-index.js'), `searchIndex = ${JSON.stringify(indexOf(pages))}\n`)
  put(join(out, 'site.js'), await client())
  return pages.map(({ path }) => path)
}

const markdownIn = (folder: string): string[] =>
  readdirSync(join(TOP, folder))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `${folder}/${name}`)

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}

function indexOf(pages: readonly Page[]): MiniSearch {
  const index = new MiniSearch({ ...FIELDS, tokenize: wordsOf })
  for (const { path, title: page, sections } of pages)
    sections.forEach(({ anchor, title, text }, at) => {
      index.add({ id: `${path}#${at}`, path: at === 0 ? path : `${path}#${anchor}`, page, title, text })
    })
  return index
}

async function client(): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, 'client.ts')],
    target: 'browser',
    format: 'iife',
    minify: true,
  })
  if (!built.success) throw new Error(built.logs.join('\n'))
  return (await built.outputs[0]?.text()) ?? ''
}

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

function pageText(page: Page, parts: readonly { title: string; pages: readonly Page[] }[]): string {
  const to = (path: string) => relative(dirname(page.path), path)
  const top = to('.') === '' ? '' : `${to('.')}/`
  const isChinese = page.document.endsWith('.zh.md')
  const name = (one: Page) =>
    one.document === 'README.md' ? 'nsbox' : one.document === 'README.zh.md' ? '中文' : one.title
  const entry = (one: Page) =>
    `<li><a href="${to(one.path)}"${one === page ? ' aria-current="page"' : ''}${one.document.endsWith('.zh.md') ? ' lang="zh"' : ''}>${escape(name(one))}</a></li>`
  const inPage = page.sections.slice(1).filter((_, at, all) => all.length > 2 && at < 40)
  return `<!doctype html>
<html lang="${isChinese ? 'zh' : 'en'}" data-top="${top}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(page.title === 'nsbox' ? 'nsbox' : `${page.title} · nsbox`)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${top}site.css">
<script defer src="${top}site.js"></script>
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header>
<a class="name" href="${to('index.html')}">nsbox</a>
<search><label class="unseen" for="search">Search</label><input id="search" type="search" placeholder="Search  (/)" autocomplete="off" spellcheck="false"><p id="search-state" class="unseen" role="status"></p><ul id="found" aria-label="Found"></ul></search>
</header>
<div class="layout">
<nav aria-label="Pages"><details open><summary>Pages</summary>${parts.map(({ title, pages }) => `<h2>${title}</h2><ul>${pages.map(entry).join('')}</ul>`).join('')}</details></nav>
<main id="content" tabindex="-1">
${page.html}</main>
${inPage.length === 0 ? '<div></div>' : `<aside aria-label="On this page"><h2>On this page</h2><ul>${inPage.map(({ anchor, title }) => `<li><a href="#${anchor}">${escape(title)}</a></li>`).join('')}</ul></aside>`}
</div>
<footer>nsbox ${VERSION}</footer>
</body>
</html>
`
}

if (import.meta.main) {
  const out = resolve(process.argv[2] ?? join(TOP, 'dist/docs'))
  const pages = await buildSite(out)
  if (!existsSync(join(out, 'index.html'))) throw new Error('README.md has no page')
  console.log(`${pages.length} pages: ${join(out, 'index.html')}`)
}
