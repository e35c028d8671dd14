import { expect, test } from 'vitest'
import { cellDrawings } from '../../../src/report/figures/cells.ts'
import { genotypeCard, renderCard } from '../../../src/report/listings/genotypeCard.ts'
import { darts, PUBLISHED } from '../../../src/spaces/darts/index.ts'
import { nb201 } from '../../../src/spaces/nb201/index.ts'

test.each([
  [darts, darts.parse('DRNAS')],
  [darts, darts.parse('PCDARTS_IMAGENET')],
  [nb201, nb201.parse('|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|')],
])('an architecture of $name names its nodes as its picture does', (space, genotype) => {
  const { cells } = genotypeCard(space, genotype)
  const drawn = cellDrawings(space, genotype, '').map(({ shapes }) =>
    shapes.flatMap((shape) => (shape.kind === 'text' ? shape.text : [])),
  )
  for (const [i, lines] of Object.values(cells).entries()) {
    const named = lines.flatMap((line) =>
      [...line.matchAll(/^node (\S+) =|\w{5,}\((.*?)\)(?= \+|$)/g)].map(([, node, from]) => node ?? from),
    )
    expect(named.length).toBeGreaterThan(lines.length)
    for (const name of named) expect(drawn[i]).toContain(name)
  }
})

test('the nodes of DARTS are those of its papers: two cells before, then 0 to 3', () => {
  expect(genotypeCard(darts, darts.parse('DRNAS')).cells.normal).toEqual([
    'node 0 = sep_conv_3x3(c(k−2)) + sep_conv_5x5(c(k−1))',
    'node 1 = sep_conv_3x3(c(k−1)) + sep_conv_3x3(0)',
    'node 2 = skip_connect(c(k−2)) + sep_conv_3x3(c(k−1))',
    'node 3 = sep_conv_3x3(0) + dil_conv_5x5(1)',
  ])
})

test('a list of cells is described cell by cell, in a network of its own depth, and drawn cell by cell', () => {
  const list = darts.parse('D_DARTS')
  const card = genotypeCard(darts, list)
  expect(Object.keys(card.cells).slice(1, 3)).toEqual(['cell 1 (normal)', 'cell 2 (reduce)'])
  expect(card.cells['cell 7 (normal)'][3]).toBe('node 3 = sep_conv_3x3(0)')
  expect(card.network).toMatchObject({ channels: 36, depth: 8 })
  expect(renderCard(card, darts)).toContain('\n\ncell 2 (reduce)\n  node 0 = ')
  expect(darts.draw?.(list, '').map(({ title }) => title)).toEqual(Object.keys(card.cells))
})

// DrNAS Table 3, PC-DARTS Table 2, DARTS Table 3 (4.7 M), DrNAS Table 2 (4.0 M)
test.each([
  ['DRNAS_IMAGENET', undefined, 5.7, '224×224×3, 1000 classes'],
  ['PCDARTS_IMAGENET', undefined, 5.3, '224×224×3, 1000 classes'],
  ['DARTS_V2', 'imagenet', 4.7, '224×224×3, 1000 classes'],
  ['DARTS_V2', undefined, 3.3, '32×32×3, 10 classes'],
  ['DRNAS_IMAGENET', 'cifar100', 4.1, '32×32×3, 100 classes'],
])('%s for %s has the parameters of the papers', (name, dataset, millions, image) => {
  const card = genotypeCard(darts, darts.parse(name), dataset)
  expect(card.network?.image).toBe(image)
  expect(Math.abs((card.parameters ?? 0) / 1e6 - millions)).toBeLessThan(0.1)
})

test('a pasted genotype of ImageNet is known by its cells', () => {
  const pasted = darts.parse(PUBLISHED.DRNAS_IMAGENET.genotype)
  expect(renderCard(genotypeCard(darts, pasted), darts)).toContain('5.726 M parameters')
})

test('a dataset without a network is refused', () => {
  expect(() => genotypeCard(nb201, nb201.parse('|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'), 'imagenet')).toThrow(
    /unknown dataset of the networks of nb201: "imagenet"/,
  )
})
