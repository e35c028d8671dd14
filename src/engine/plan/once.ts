/** Returns the entry of a map, made by `make` and stored if it is missing. */
export function once<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make()
  map.set(key, value)
  return value
}
