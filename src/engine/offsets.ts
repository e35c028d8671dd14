/** Computes where each of several consecutive pieces begins: the running sum of the sizes before it. */
export function offsetsOf(sizes: readonly number[]): number[] {
  let end = 0
  return sizes.map((size) => {
    end += size
    return end - size
  })
}
