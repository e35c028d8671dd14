/** Eigenvalues of symmetric matrices. */
import { EigenvalueDecomposition } from 'ml-matrix'

/** All eigenvalues of a symmetric matrix (rows), ascending. */
export function symmetricEigenvalues(rows: readonly (readonly number[])[]): number[] {
  const decomposition = new EigenvalueDecomposition(
    rows.map((row) => [...row]),
    { assumeSymmetric: true },
  )
  return [...decomposition.realEigenvalues].sort((a, b) => a - b)
}
