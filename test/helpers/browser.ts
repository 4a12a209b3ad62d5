/** A real browser that looks at pages, if one is installed. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import * as assert from 'uvu/assert'
import { TOP } from './documents.ts'

const PROGRAM = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => Bun.which(name))
  .find((path) => path !== null)

/** Why no page can be looked at here; undefined if one can. */
export const WITHOUT_BROWSER = PROGRAM ? undefined : 'chromium is not installed'

/** How pages are looked at: light and dark, on a wide and a narrow window. */
export const LOOKS: readonly { name: string; options: BrowserContextOptions }[] = (['light', 'dark'] as const).flatMap(
  (colorScheme) => [
    { name: `${colorScheme}, wide`, options: { colorScheme, viewport: { width: 1280, height: 900 } } },
    { name: `${colorScheme}, narrow`, options: { colorScheme, viewport: { width: 390, height: 800 } } },
  ],
)

/** A page with what it complained of, and the addresses that it asked for. */
export type Looked = { page: Page; complaints: string[]; asked: string[] }

/** Calls BODY with a browser; it is ended afterwards. No page that is looked at reaches the network. */
export async function inBrowser(
  body: (open: (options?: BrowserContextOptions) => Promise<Looked>) => Promise<void>,
): Promise<void> {
  // The pages are ours. The browser's own sandbox refuses to start as root.
  const args = ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1']
  const browser: Browser = await chromium.launch({ executablePath: PROGRAM ?? '', args })
  try {
    await body(async (options = {}) => {
      const page = await (await browser.newContext(options)).newPage()
      const complaints: string[] = []
      const asked: string[] = []
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('dialog', (dialog) => {
        complaints.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss()
      })
      page.on('request', (request) => asked.push(request.url()))
      return { page, complaints, asked }
    })
  } finally {
    await browser.close()
  }
}

const AXE = readFileSync(join(TOP, 'node_modules/axe-core/axe.min.js'), 'utf8')

/** Checks that the page is accessible, as far as axe-core can know, and not wider than its window. */
export async function checkPage(page: Page, where: string): Promise<void> {
  // Debugging tools are not bound by the page's policy.
  const violations = (await page.evaluate(
    `(${String((axe: string) => (0, eval)(axe))})(${JSON.stringify(AXE)}), axe.run(document, { preload: false }).then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  )) as string[]
  assert.equal(violations, [], where)
  const over = await page.evaluate<number>(
    'document.documentElement.scrollWidth - document.documentElement.clientWidth',
  )
  assert.ok(over <= 0, `${where}: ${over} pixels too wide`)
}
