/** The search in a page: it loads the index when somebody first types. Bundled for browsers by build.ts. */
import MiniSearch from 'minisearch'
import { FIELDS } from './fields.ts'
import { wordsOf } from './words.ts'

/* The types of browsers aren't those of the rest of this checkout. */
declare const document: any, location: any, addEventListener: any
type Found = { id: string; title: string; page: string; path: string }

const field = document.querySelector('#search')
const list = document.querySelector('#found')
const state = document.querySelector('#search-state')
/** How this page reaches the top of the site. */
const top: string = document.documentElement.dataset.top

let loading: Promise<MiniSearch> | undefined
/** By a script, since a page that was opened as a file may not fetch one. */
function index(): Promise<MiniSearch> {
  return (loading ??= new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.src = `${top}search-index.js`
    script.onload = () => resolve(MiniSearch.loadJS((globalThis as any).searchIndex, { ...FIELDS, tokenize: wordsOf }))
    script.onerror = reject
    document.head.append(script)
  }))
}

async function search(): Promise<void> {
  const text = field.value
  const found =
    text.trim() === ''
      ? []
      : ((await index()).search(text, {
          prefix: true,
          fuzzy: 0.15,
          boost: { title: 3 },
          combineWith: 'AND',
        }) as unknown as Found[])
  if (text !== field.value) return
  list.replaceChildren(
    ...found.slice(0, 12).map(({ title, page, path }) => {
      const [item, link, where] = ['li', 'a', 'span'].map((name) => document.createElement(name))
      link.href = top + path
      link.textContent = title
      where.textContent = page
      link.append(where)
      item.append(link)
      return item
    }),
  )
  state.textContent = text.trim() === '' ? '' : found.length === 0 ? 'nothing found' : `${found.length} found`
}

field.addEventListener('input', () => void search())
field.addEventListener('keydown', (event: any) => {
  if (event.key === 'Enter') list.querySelector('a')?.click()
  if (event.key === 'Escape') {
    field.value = ''
    void search()
  }
  if (event.key === 'ArrowDown') {
    event.preventDefault()
    list.querySelector('a')?.focus()
  }
})
list.addEventListener('keydown', (event: any) => {
  const links = [...list.querySelectorAll('a')]
  const at = links.indexOf(document.activeElement)
  const to = event.key === 'ArrowDown' ? links[at + 1] : event.key === 'ArrowUp' ? (links[at - 1] ?? field) : undefined
  if (to === undefined) return
  event.preventDefault()
  to.focus()
})
// Within the same page the list would stay over what was found.
list.addEventListener('click', () => {
  field.value = ''
  void search()
})
addEventListener('keydown', (event: any) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.target === field) return
  event.preventDefault()
  field.focus()
})
