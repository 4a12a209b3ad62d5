/** The grammar of references, as the distribution project has it. */

export const HOST =
  /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/i
export const NAME = /^[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*)*$/
export const TAG = /^\w[\w.-]{0,127}$/
export const DIGEST = /^sha256:[0-9a-f]{64}$/
/** Characters. */
export const LONGEST_NAME = 255

/** Whether TEXT is HOST[:PORT][/PREFIX]. */
export function isRegistry(text: string): boolean {
  const slash = text.indexOf('/')
  return slash < 0 ? HOST.test(text) : HOST.test(text.slice(0, slash)) && NAME.test(text.slice(slash + 1))
}
