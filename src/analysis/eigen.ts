/** Eigenvalues of symmetric matrices. */
import { EigenvalueDecomposition } from 'ml-matrix'

/** Returns all eigenvalues of a symmetric matrix in ascending order; all NaN if an entry is not finite. */
export function symmetricEigenvalues(rows: readonly (readonly number[])[]): number[] {
  if (!rows.every((row) => row.every(Number.isFinite))) return rows.map(() => Number.NaN)
  const decomposition = new EigenvalueDecomposition(
    rows.map((row) => [...row]),
    { assumeSymmetric: true },
  )
  return [...decomposition.realEigenvalues].sort((a, b) => a - b)
}
