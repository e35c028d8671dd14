/** Eigenvalues of symmetric matrices. */
import { EigenvalueDecomposition } from 'ml-matrix'

/** All eigenvalues of a symmetric matrix (rows), ascending; all NaN where an entry is not finite. */
export function symmetricEigenvalues(rows: readonly (readonly number[])[]): number[] {
  if (!rows.every((row) => row.every(Number.isFinite))) return rows.map(() => Number.NaN)
  const decomposition = new EigenvalueDecomposition(
    rows.map((row) => [...row]),
    { assumeSymmetric: true },
  )
  return [...decomposition.realEigenvalues].sort((a, b) => a - b)
}
