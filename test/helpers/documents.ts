/** The documents that people read, and their blocks of code. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const TOP = resolve(import.meta.dir, '../..')

/** `words`: what stands behind the language, such as "root" in "```sh root". `line`: of the first line of code, from 1 on. */
export type Block = { language: string; words: string[]; code: string; line: number }

/** Paths below the checkout of all documents that the product ships. */
export function documents(): string[] {
  const below = (readdirSync(join(TOP, 'docs'), { recursive: true }) as string[]).filter((name) => name.endsWith('.md'))
  return ['README.md', 'README.zh.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...below.map((name) => `docs/${name}`)].sort()
}

export const textOf = (path: string): string => readFileSync(join(TOP, path), 'utf8')

export function blocksOf(path: string): Block[] {
  const text = textOf(path)
  return [...text.matchAll(/^```([^\n`]*)\n([^]*?)^```$/gm)].map(({ 1: head = '', 2: code = '', index }) => {
    const [language = '', ...words] = head.trim().split(/\s+/)
    return { language, words, code, line: text.slice(0, index).split('\n').length + 1 }
  })
}

/** Code of the blocks for a shell that have exactly this word behind the language, or none. */
export const shellBlocks = (path: string, word?: string): string[] =>
  blocksOf(path)
    .filter(({ language, words }) => language === 'sh' && words.join(' ') === (word ?? ''))
    .map(({ code }) => code)

/** A text without its blocks of code and its code in backquotes: what is left has the links and headings. */
export const proseOf = (text: string): string => text.replace(/^```[^]*?^```$/gm, '').replace(/`[^`\n]*`/g, '``')

/** Levels and texts of the headings of a page. */
export const headingsOf = (text: string): { level: number; text: string }[] =>
  [...text.replace(/^```[^]*?^```$/gm, '').matchAll(/^(#{1,6}) (.+)$/gm)].map(([, marks = '', title = '']) => ({
    level: marks.length,
    text: title,
  }))

/** Whether the output is as shown: line by line, where "..." stands for any lines, and for any text in a line. */
export function shows(output: string, shown: string): boolean {
  const escaped = shown.trimEnd().replace(/[\\^$*+?()[\]{}|]/g, '\\$&')
  const pattern = escaped
    .replace(/^\.\.\.$\n?/gm, '\u0000')
    .replaceAll('...', '\u0001')
    .replaceAll('.', '\\.')
    .replaceAll('\u0000', '(?:.*\\n?)*?')
    .replaceAll('\u0001', '.*')
  return new RegExp(`^${pattern}$`).test(output.replace(/ +$/gm, '').trimEnd())
}
