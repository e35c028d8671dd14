/** The architecture parameters of a search after each of its epochs, to compare two searches. */
import type { Algorithm, SearchContext } from '../../src/core/algorithm.ts'
import type { Matrix } from '../../src/core/mixing.ts'

/** Runs a search to its end. → its architecture parameters after each epoch; absent where it reports none */
export async function trajectory<Options>(
  algorithm: Pick<Algorithm<Options>, 'options' | 'search'>,
  context: SearchContext,
  options: Readonly<Record<string, unknown>> = {},
): Promise<readonly (Matrix | undefined)[]> {
  const search = await algorithm.search(context, algorithm.options.parse(options))
  const parameters: (Matrix | undefined)[] = []
  for (let epoch = 0; epoch < search.epochs && search.ended === undefined; epoch++) {
    parameters.push((await search.epoch(epoch)).parameters)
  }
  search.dispose()
  return parameters
}
