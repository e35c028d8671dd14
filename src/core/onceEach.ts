/**
 * Three ways to cache what a function returns: once for a function without arguments, once for each object that the
 * function is called with, or once for each key.
 */

/** Returns a function that calls `compute` at its first call, and returns the same result at every later call. */
export function once<Value>(compute: () => Value): () => Value {
  let found: { readonly value: Value } | undefined
  return () => {
    found ??= { value: compute() }
    return found.value
  }
}

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

/**
 * Returns a function that calls `compute` once for each key, and returns the same result for every later equal key.
 * Keys are equal if they are the same as JSON.
 */
export function onceByKey<Value>(): (key: readonly unknown[], compute: () => Value) => Value {
  const known = new Map<string, { readonly value: Value }>()
  return (key, compute) => {
    const text = JSON.stringify(key)
    const found = known.get(text) ?? { value: compute() }
    known.set(text, found)
    return found.value
  }
}
