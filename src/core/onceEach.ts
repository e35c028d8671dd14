/** Work that is done once for an object, however often it is asked for: runs of one job share the parts of it. */

/** The same function, which keeps what it gave for each object as long as the object lives. */
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
