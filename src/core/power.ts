/**
 * Powers in the same bits everywhere. `**` and `Math.pow` are the C library's since V8 13 (Node.js 24) and V8's own before:
 * they differ in the last bit, and so would every search that uses them. `exp`, `log`, `sin`, `cos` and `tanh` came to the
 * same bits in Node.js 20, 22 and 24 (300,000 arguments each).
 */

/** base^exponent by repeated squaring. @param exponent a whole number of at least 0 */
export function integerPower(base: number, exponent: number): number {
  let power = 1
  let square = base
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power *= square
    square *= square
  }
  return power
}

/** base^exponent, for a base above 0 and any exponent. */
export const positivePower = (base: number, exponent: number): number => Math.exp(exponent * Math.log(base))
