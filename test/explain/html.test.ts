/** The page of `nsbox explain --html`: whatever a plan holds stays text, and a browser shows it. */
// runs once
// seconds: 200
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { explanation } from '../../src/explain/explain.ts'
import { page as pageOf } from '../../src/explain/html/page.ts'
import type { BoxPlan } from '../../src/plan/types.ts'
import { checkPage, inBrowser, LOOKS, WITHOUT_BROWSER } from '../helpers/browser.ts'
import { failure, inTemp, nsbox, planOf } from '../helpers/nsbox.ts'

const HOSTILE = [
  '<script>document.title="taken"</script>',
  '</script><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</style></title><svg onload=alert(1)>',
  '<!--',
  '&lt;b&gt;',
  'line\nbreak\rand\ttab\u0000nul\u001b[31m',
  'txt.\u202egnp.exe\u2066\u200b\ufeff',
  'half \ud800 of a pair, byte \udcff',
  'javascript:alert(1)',
]

/** A plan with each of the texts wherever a plan has a text of the caller's. */
const hostilePlan = (): BoxPlan => ({
  contract: 2,
  namespaces: ['user', 'mount', 'pid', 'uts'],
  root: { type: 'layers', lowers: HOSTILE.map((text) => `/${text}`), image: HOSTILE.join('/') },
  mounts: HOSTILE.flatMap((text, i): NonNullable<BoxPlan['mounts']> => [
    { type: 'bind', source: `/source/${text}`, target: `/bind${i}/${text}`, options: ['ro'] },
    { type: 'tmpfs', target: `/tmpfs${i}/${text}` },
    { type: 'symlink', target: `/link${i}/${text}`, to: text },
    { type: 'mask', target: `/mask${i}/${text}` },
    { type: 'file', target: `/file${i}/${text}`, text },
  ]),
  hostname: HOSTILE.join(' '),
  process: {
    argv: HOSTILE,
    program: HOSTILE.join('/'),
    cwd: `/${HOSTILE.join('/')}`,
    env: { set: HOSTILE.map((text) => `${text}=1`), pass: HOSTILE },
    seccomp: { from: HOSTILE.join(' '), filter: 'AAAAAAAAAAA=' },
  },
  supervision: { init: true },
})

const parts = (html: string) => {
  const names = new Map<string, number>()
  const attributes: { element: string; name: string; value: string }[] = []
  new HTMLRewriter()
    .on('*', {
      element(element) {
        names.set(element.tagName, (names.get(element.tagName) ?? 0) + 1)
        for (const [name, value] of element.attributes) attributes.push({ element: element.tagName, name, value })
      },
    })
    .transform(html)
  return { names, attributes }
}

test('no text of a plan becomes an element, an attribute, or an invisible or turning character', () => {
  const html = pageOf(hostilePlan(), { uid: 1000 })
  const plain = parts(pageOf(planOf(['--cwd', '/', 'true']) as unknown as BoxPlan, { uid: 1000 }))
  const { names, attributes } = parts(html)
  assert.is(names.get('script'), 1)
  assert.is(names.get('style'), 1)
  for (const name of names.keys()) assert.ok(plain.names.has(name), `element ${name}`)
  const known = new Set(plain.attributes.map(({ element, name }) => `${element} ${name}`))
  for (const { element, name, value } of attributes) {
    assert.ok(known.has(`${element} ${name}`), `attribute ${element} ${name}`)
    assert.not.match(name, /^on|^src|^style/)
    if (name === 'href') assert.match(value, /^#[\w-]+$/)
    if (name.startsWith('data-')) assert.match(value, /^[\w ]*$/)
  }
  assert.not.match(html, /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/)
  assert.ok(html.isWellFormed())
  assert.match(html, 'txt.\\u202egnp.exe')
})

test('the page asks for nothing, and its policy allows its own script and style alone', () => {
  const html = pageOf(hostilePlan(), { uid: 1000 })
  assert.not.match(html.replaceAll('&', ''), /https?:\/\/|url\(|@import/)
  for (const element of ['script', 'style']) {
    const text = html.split(`<${element}>`)[1]?.split(`</${element}>`)[0] ?? ''
    const hash = createHash('sha256').update(text).digest('base64')
    assert.match(html, `${element}-src 'sha256-${hash}'`)
  }
  assert.match(html, "default-src 'none'")
})

test('each step of the explanation is on the page, with its calls, and each mount in a tree', () => {
  const plan = planOf([
    '--tmpfs',
    '/mnt',
    '--mask',
    '/srv',
    '--net',
    'none',
    '--cwd',
    '/',
    'true',
  ]) as unknown as BoxPlan
  const html = pageOf(plan, { uid: 1000 })
  const { steps } = explanation(plan, { uid: 1000 })
  assert.is([...html.matchAll(/<article /g)].length, steps.length)
  for (const { title } of steps) assert.ok(html.includes(title.replaceAll("'", '&#39;')), title)
  const box = html.split('What the box sees</h3>')[1]?.split('</section>')[0] ?? ''
  for (const [path, badge] of [
    ['mnt', "the box's own"],
    ['srv', 'hidden'],
    ['proc', "the box's own"],
  ])
    assert.match(box, new RegExp(`>${path}</bdi>(?:<span class="note">[^<]*</span>)?<span class="badge">${badge}<`))
})

test(
  'the page is written to a file or printed, and a place that can not be written is named',
  inTemp((dir) => {
    const file = join(dir, 'box.html')
    const { status, stdout, stderr } = nsbox(['explain', '--html', file, '--cwd', '/', 'true'])
    assert.is(status, 0, stderr)
    assert.is(stdout, '')
    const text = readFileSync(file, 'utf8')
    assert.match(text, /^<!doctype html>[^]*<\/html>\n$/)
    assert.is(nsbox(['explain', '--html=-', '--cwd', '/', 'true']).stdout, text)
    failure(
      nsbox(['explain', '--html', join(dir, 'no/box.html'), 'true'], { cwd: '/' }),
      /^nsbox: explain: write: .*\/no\/box\.html: No such file or directory \(ENOENT\)$/m,
    )
  }),
)

const inChromium = WITHOUT_BROWSER === undefined ? test : test.skip
const reason = WITHOUT_BROWSER === undefined ? '' : ` (${WITHOUT_BROWSER})`

inChromium(
  `in a browser: keys, buttons and links go through the steps, in light and dark, wide and narrow${reason}`,
  inTemp(async (dir) => {
    const file = join(dir, 'box.html')
    mkdirSync(join(dir, 'src'))
    const box = ['--tmpfs', '/mnt', '--ro', '--bind', `${dir}/src:/srv`, '--cwd', '/', 'sh', '-c', 'ls "a  b"']
    assert.is(nsbox(['explain', '--html', file, ...box]).status, 0)
    await inBrowser(async (open) => {
      for (const { name, options } of LOOKS) {
        const { page, complaints, asked } = await open(options)
        await page.goto(`file://${file}`)
        const count = await page.locator('article').count()
        const current = () => page.locator('article:visible h3').innerText()
        assert.is(await page.locator('article:visible').count(), 1, name)
        assert.match(await current(), /^1\b[^]*Read the plan/)
        await checkPage(page, name)
        await page.keyboard.press('ArrowRight')
        await page.keyboard.press('ArrowRight')
        assert.match(await current(), 'Make a process in new namespaces')
        assert.match(await page.getByRole('status').innerText(), new RegExp(`^Step 3 of ${count}: Make a process`))
        assert.match(await page.locator('nav [aria-current=step]').innerText(), 'Make a process')
        await page.keyboard.press('ArrowLeft')
        await page.locator('nav a').first().focus()
        await page.keyboard.press('End')
        assert.is(await page.locator('nav a:focus').innerText(), await page.locator('nav a').last().innerText())
        assert.ok(await page.getByRole('button', { name: 'Next' }).isDisabled())
        assert.is(await page.locator('.later').count(), 0, 'all is there at the end')
        await checkPage(page, `${name}, at the end`)
        await page.getByRole('button', { name: 'Back' }).click()
        assert.match(page.url(), `#step=${count - 1}`)
        await page.locator('nav a', { hasText: 'tmpfs at /mnt' }).click()
        assert.match(await page.locator('.place.now').innerText(), /mnt/)
        await page.reload()
        assert.match(await current(), 'Mount a tmpfs at /mnt')
        assert.ok((await page.locator('.place.later').count()) > 0)
        assert.equal(complaints, [], name)
        assert.equal([...new Set(asked.map((url) => url.split('#')[0]))], [`file://${file}`])
      }
      const { page } = await open({ javaScriptEnabled: false })
      await page.goto(`file://${file}`)
      assert.is(await page.locator('article:visible').count(), await page.locator('article').count())
    })
  }),
)

inChromium(
  `in a browser: nothing of a hostile plan runs${reason}`,
  inTemp(async (dir) => {
    const file = join(dir, 'hostile.html')
    writeFileSync(file, pageOf(hostilePlan(), { uid: 1000 }))
    await inBrowser(async (open) => {
      const { page, complaints, asked } = await open({ viewport: { width: 390, height: 800 } })
      await page.goto(`file://${file}`)
      for (const place of await page.locator('.place').all()) await place.hover({ force: true })
      await page.locator('summary').first().click()
      await checkPage(page, 'hostile')
      assert.match(await page.title(), /^A box: /)
      assert.equal(complaints, [])
      assert.equal(asked, [`file://${file}`])
    })
  }),
)

test.run()
