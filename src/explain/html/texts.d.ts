/** Files that the page has in it, as text. */
declare module '*.css' {
  const text: string
  export default text
}
declare module '*.txt' {
  const text: string
  export default text
}
