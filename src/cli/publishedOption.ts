/**
 * The option `--published`. It has a file of its own, since it loads the published tables and their schema, which
 * commands without it do not need.
 */
import { Option } from 'commander'
import { publishedTable } from '../report/comparison/published.ts'

/**
 * Returns the option `--published`, which chooses the rows of papers below a table. An unknown id is refused before any
 * run starts.
 * @param fallback says in the help what the command does without the option
 */
export const publishedOption = (fallback: string) =>
  new Option(
    '--published <id>',
    'published rows below the table: an id as drnas-table-4, none, or auto: rows that fit, unless the search is ' +
      `reduced (default: ${fallback})`,
  ).argParser((id: string) => (id === 'auto' || id === 'none' ? id : publishedTable(id).id))
