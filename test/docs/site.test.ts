/** `make docs`: each page leads somewhere, and a browser shows all of them and finds things. */
// runs once
// seconds: 300
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildSite } from '../../scripts/docs/build.ts'
import { pathOf } from '../../scripts/docs/markdown.ts'
import { wordsOf } from '../../scripts/docs/words.ts'
import { checkPage, inBrowser, LOOKS, WITHOUT_BROWSER } from '../helpers/browser.ts'
import { documents } from '../helpers/documents.ts'
import { inTemp } from '../helpers/nsbox.ts'

/** Addresses and ids of a page. */
function partsOf(html: string): { links: string[]; ids: Set<string> } {
  const links: string[] = []
  const ids: string[] = []
  new HTMLRewriter()
    .on('a, link, script, img', {
      element: (element) => void links.push(element.getAttribute('href') ?? element.getAttribute('src') ?? ''),
    })
    .on('[id]', { element: (element) => void ids.push(element.getAttribute('id') ?? '') })
    .transform(html)
  assert.is(new Set(ids).size, ids.length, 'an id stands twice')
  return { links, ids: new Set(ids) }
}

test(
  'each document has a page, and each link of a page leads to a file and a heading',
  inTemp(async (dir) => {
    const pages = await buildSite(dir)
    assert.equal([...pages].sort(), documents().map(pathOf).sort())
    const parts = new Map(pages.map((page) => [page, partsOf(readFileSync(join(dir, page), 'utf8'))]))
    let count = 0
    for (const [page, { links }] of parts)
      for (const link of links.filter((target) => !/^(?:[a-z]+:|$)/.test(target))) {
        const [path = '', anchor] = link.split('#')
        const file = path === '' ? page : normalize(join(dirname(page), path))
        assert.ok(existsSync(join(dir, file)) && statSync(join(dir, file)).isFile(), `${page}: ${link}`)
        if (anchor !== undefined) assert.ok(parts.get(file)?.ids.has(anchor), `${page}: ${link}`)
        count++
      }
    assert.ok(count > 500, String(count))
  }),
)

test('the search knows names with dashes whole and in parts, and words of languages without spaces', () => {
  assert.equal(wordsOf('use --ro-bind SRC[:DST]'), ['use', 'ro-bind', 'ro', 'bind', 'src', 'dst'])
  assert.ok(wordsOf('系统调用过滤器').includes('系统'))
})

const reason = WITHOUT_BROWSER === undefined ? '' : ` (${WITHOUT_BROWSER})`
const inChromium = WITHOUT_BROWSER === undefined ? test : test.skip

inChromium(
  `in a browser: all pages load without a complaint, in light and dark, wide and narrow${reason}`,
  inTemp(async (dir) => {
    const pages = await buildSite(dir)
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch: ({ url }) => {
        const path = join(dir, decodeURIComponent(new URL(url).pathname))
        return existsSync(path) ? new Response(Bun.file(path)) : new Response('not found', { status: 404 })
      },
    })
    try {
      await inBrowser(async (open) => {
        const looks = await Promise.all(LOOKS.map(async ({ name, options }) => ({ name, ...(await open(options)) })))
        for (const [at, path] of pages.entries())
          // Each page by every second look: once light and wide or narrow, once dark.
          for (const { name, page, complaints } of [looks[at % 2], looks[2 + (at % 2)]].flatMap((look) => look ?? [])) {
            const response = await page.goto(`http://127.0.0.1:${server.port}/${path}`)
            assert.is(response?.status(), 200, path)
            await checkPage(page, `${path}, ${name}`)
            assert.equal(complaints, [], `${path}, ${name}`)
          }
        for (const { asked } of looks)
          for (const url of asked) assert.match(url, new RegExp(`^(?:http://127\\.0\\.0\\.1:${server.port}/|data:)`))
      })
    } finally {
      await server.stop(true)
    }
  }),
)

inChromium(
  `in a browser: the search finds an option, a message and Chinese words, by keys alone, also from a directory${reason}`,
  inTemp(async (dir) => {
    await buildSite(dir)
    await inBrowser(async (open) => {
      const { page, complaints } = await open()
      const find = async (text: string): Promise<string[]> => {
        await page.goto(`file://${dir}/docs/guides/ci.html`)
        await page.keyboard.press('/')
        await page.keyboard.type(text)
        await page.locator('#search-state', { hasText: 'found' }).waitFor({ state: 'attached' })
        return page.locator('#found a').evaluateAll((links) => links.map((link) => String(link)))
      }
      const options = await find('--ro-bind')
      assert.ok(
        options.some((url) => url.endsWith('/docs/options.html#mounts')),
        options.join('\n'),
      )
      await checkPage(page, 'found')
      assert.ok((await find('uid_map: Operation not permitted'))[0]?.includes('docs/troubleshooting.html'))
      assert.ok((await find('命名空间')).some((url) => url.includes('README.zh.html')))
      assert.equal(await find('xyzzyqq'), [])
      await find('benchmarks')
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await page.waitForURL(/benchmarks\.html/)
      assert.equal(complaints, [])
    })
  }),
)

test.run()
