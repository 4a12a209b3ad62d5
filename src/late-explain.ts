/** What `nsbox explain --html` needs, and nothing else. */
export { page as boxPage } from './explain/html/page.ts'
