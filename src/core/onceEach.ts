/** Caches the result of a function for each object that it is called with: runs of one job share parts of the job. */

/**
 * Returns the function with a cache: it computes its result once for each object, and keeps it as long as the object
 * lives.
 */
export function onceEach<Part extends object, Value>(compute: (part: Part) => Value): (part: Part) => Value {
  const known = new WeakMap<Part, { readonly value: Value }>()
  return (part) => {
    const found = known.get(part)
    if (found !== undefined) return found.value
    const value = compute(part)
    known.set(part, { value })
    return value
  }
}
