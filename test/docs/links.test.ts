/** Links of the documents lead somewhere: in the checkout, and in the npm package and the archives. */
// runs once
import { existsSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { anchorOf } from '../../scripts/docs/markdown.ts'
import { documents, headingsOf, proseOf, textOf, TOP } from '../helpers/documents.ts'
import { execute } from '../helpers/nsbox.ts'
import { TARBALL } from '../helpers/package.ts'

/** Paths below the checkout, with the anchor, that a page links to. */
function linksOf(page: string): { path: string; anchor: string | undefined }[] {
  return [...proseOf(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#')
      return { path: path === '' ? page : normalize(join(dirname(page), path)), anchor }
    })
}

const links = documents().flatMap((page) => linksOf(page).map((link) => ({ page, ...link })))

test('each link leads to a file, and each anchor to a heading', () => {
  assert.ok(links.length > 40, String(links.length))
  for (const { page, path, anchor } of links) {
    assert.ok(existsSync(join(TOP, path)), `${page}: ${path}`)
    if (anchor !== undefined)
      assert.ok(
        headingsOf(textOf(path)).some(({ text }) => anchorOf(text) === anchor),
        `${page}: ${path}#${anchor}`,
      )
  }
})

test('each file that a document links to is in the npm package', () => {
  const files = new Set(execute('tar', ['tzf', TARBALL]).stdout.split('\n'))
  for (const page of documents()) assert.ok(files.has(`package/${page}`), page)
  for (const { page, path } of links) {
    const inPackage = statSync(join(TOP, path)).isDirectory()
      ? [...files].some((name) => name.startsWith(`package/${path}`))
      : files.has(`package/${path}`)
    assert.ok(inPackage, `${page}: ${path} is not in the package`)
  }
})

test('each page of docs is reached by links from README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached)
    for (const { path } of links.filter((link) => link.page === page)) if (path.endsWith('.md')) reached.add(path)
  assert.equal(
    documents().filter((page) => !reached.has(page)),
    [],
  )
})

test.run()
