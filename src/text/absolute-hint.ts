/** The hint for a path of the box that is relative, and what the caller may have meant. */
export function absoluteHint(path: string): string {
  if (path.startsWith('~/')) return `paths in the box start with /: "$HOME/${path.slice(2)}" is the one in your home`
  return `paths in the box start with /: "$PWD/${path.replace(/^(\.\/)+/, '')}" is the one below your directory`
}
