/**
 * The words of a text, for the search: names with dashes whole and in parts. Chinese has no spaces, so its words are
 * found by a dictionary, and what stands between two signs is no word.
 */
const segmenter = new Intl.Segmenter('zh', { granularity: 'word' })

export function wordsOf(text: string): string[] {
  const words: string[] = []
  for (const [run] of text.toLowerCase().matchAll(/[\p{L}\p{N}_]+(?:[-.][\p{L}\p{N}_]+)*/gu)) {
    if (/\p{Script=Han}/u.test(run)) {
      for (const { segment, isWordLike } of segmenter.segment(run)) if (isWordLike) words.push(segment)
      continue
    }
    const parts = run.split(/[-.]/)
    words.push(run, ...(parts.length > 1 ? parts : []))
  }
  return words
}
