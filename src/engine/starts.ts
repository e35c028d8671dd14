/** Where each of consecutive pieces starts. */
export function starts(sizes: readonly number[]): number[] {
  let start = 0
  return sizes.map((size) => {
    start += size
    return start - size
  })
}
