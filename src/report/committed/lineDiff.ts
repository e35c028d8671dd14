/** Lines of two texts that differ, as `-` committed and `+` recomputed. */

/** Empty where the texts are equal. What both begin and end with is left out. */
export function lineDiff(committed: string, recomputed: string, limit = 20): readonly string[] {
  if (committed === recomputed) return []
  const [a, b] = [committed.split('\n'), recomputed.split('\n')]
  const head = commonPrefix(a, b)
  const tail = commonPrefix(a.slice(head).reverse(), b.slice(head).reverse())
  const [left, right] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)]
  const lines = [...left.map((line) => `- ${line}`), ...right.map((line) => `+ ${line}`)]
  if (left.length === right.length) lines.splice(0, lines.length, ...pairs(left, right))
  return lines.length <= limit ? lines : [...lines.slice(0, limit), `… and ${lines.length - limit} more lines`]
}

const pairs = (left: readonly string[], right: readonly string[]) =>
  left.flatMap((line, i) => (line === right[i] ? [] : [`- ${line}`, `+ ${right[i]}`]))

function commonPrefix(a: readonly string[], b: readonly string[]): number {
  const differs = a.findIndex((line, i) => line !== b[i])
  return differs === -1 ? Math.min(a.length, b.length) : differs
}
