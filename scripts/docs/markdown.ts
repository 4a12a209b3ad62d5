/** A document in Markdown as HTML: headings with the anchors of code hosts, links to other pages of the site. */
import { dirname, join, normalize, relative } from 'node:path'
import MarkdownIt from 'markdown-it'

/** `text`: without its code blocks' markup, for the search. */
export type Section = { anchor: string; title: string; text: string }
export type Rendered = { title: string; html: string; sections: Section[]; files: string[] }

/** The anchor that a heading has, as code hosts make it. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replace(/\s/g, '-')

/** Where the page of a document lies: README.md is the first one, and others keep their place. */
export const pathOf = (document: string): string =>
  document.replace(/(^|\/)README\.md$/, '$1index.md').replace(/\.md$/, '.html')

/** `document`: its path below the checkout. `documents`: those that have a page. */
export function render(document: string, text: string, documents: ReadonlySet<string>): Rendered {
  const files = new Set<string>()
  const markdown = new MarkdownIt({ html: false, typographer: false })
  const target = (href: string): string => {
    if (/^[a-z]+:|^#/.test(href)) return href
    const [path = '', anchor] = href.split('#')
    const file = normalize(join(dirname(document), path))
    if (!documents.has(file)) {
      files.add(file)
      return href
    }
    const page = relative(dirname(pathOf(document)), pathOf(file))
    return anchor === undefined ? page : `${page}#${anchor}`
  }
  // Comments are marks for what writes the document.
  const tokens = markdown.parse(text.replace(/^<!--.*?-->$/gms, ''), {})
  const sections: Section[] = []
  tokens.forEach((token, at) => {
    if (token.type === 'heading_open') {
      const title = plain(tokens[at + 1])
      const anchor = anchorOf(title)
      token.attrSet('id', anchor)
      token.attrSet('tabindex', '-1')
      sections.push({ anchor, title, text: '' })
    } else if ((token.type === 'inline' && tokens[at - 1]?.type !== 'heading_open') || token.type === 'fence') {
      const last = sections.at(-1)
      if (last !== undefined) last.text += `${plain(token)}\n`
    }
    // An empty cell is the head of nothing.
    if (token.type === 'th_open' && tokens[at + 1]?.content === '')
      for (const part of [token, tokens[at + 2]]) if (part !== undefined) part.tag = 'td'
    if (token.type === 'fence' || token.type === 'code_block') token.attrSet('tabindex', '0')
    for (const child of token.children ?? []) {
      if (child.type === 'link_open') child.attrSet('href', target(String(child.attrGet('href'))))
      if (child.type === 'image') child.attrSet('src', target(String(child.attrGet('src'))))
    }
  })
  // A wide table scrolls by itself, and keys reach it.
  markdown.renderer.rules.table_open = () => '<div class="table" tabindex="0" role="group" aria-label="table"><table>\n'
  markdown.renderer.rules.table_close = () => '</table></div>\n'
  const html = markdown.renderer.render(tokens, markdown.options, {})
  return { title: sections[0]?.title ?? document, html, sections, files: [...files] }
}

type Part = { content: string; children?: Part[] | null; type: string }
/** The words of a token, without marks. */
function plain(token: Part | undefined): string {
  if (token === undefined) return ''
  return token.children?.length ? token.children.map(plain).join('') : token.type === 'softbreak' ? ' ' : token.content
}
