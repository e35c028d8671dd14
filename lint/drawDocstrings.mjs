/**
 * Draws headers and docstrings from `src` at random, each with the line of code below it, for a reader who sees nothing
 * else: what is understood at first reading is written plainly.
 *
 *     node lint/drawDocstrings.mjs --seed 1 --count 30
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { seed: { type: 'string' }, count: { type: 'string' } } })
const { seed = '1', count = '30' } = values
const root = join(import.meta.dirname, '..')

const found = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => {
    const path = join(root, 'src', file)
    const text = readFileSync(path, 'utf8')
    return [...text.matchAll(/\/\*\*[\s\S]*?\*\/[ \t]*\n*([^\n]*)/g)].map((match) => ({
      at: `${relative(root, path)}:${text.slice(0, match.index).split('\n').length}`,
      // A header has the file's imports below it, which say nothing about it.
      text: /^import\b/.test(match[1]) ? match[0].slice(0, match[0].lastIndexOf('*/') + 2) : match[0],
    }))
  })

/** A number for each docstring that depends on the seed and its place alone. */
const rank = ({ at }) => createHash('sha256').update(`${seed} ${at}`).digest('hex')
const drawn = found
  .map((item) => ({ item, order: rank(item) }))
  .sort((a, b) => (a.order < b.order ? -1 : 1))
  .slice(0, Number(count))
for (const [index, { item }] of drawn.entries()) console.log(`${index + 1}. ${item.at}\n${item.text}\n`)
