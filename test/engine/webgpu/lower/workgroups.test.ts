/** Tiles of dense convolutions and of filter gradients: which ones are chosen, and that every device can run them. */
import { describe, expect, test } from 'vitest'
import { sourceOf } from '../../../../src/engine/webgpu/device/kernel.ts'
import { convolve } from '../../../../src/engine/webgpu/kernels/convolve.ts'
import { filterGradient } from '../../../../src/engine/webgpu/kernels/filterGradient.ts'
import { gradientTileFor, tileFor, tileOver, tilesAcross } from '../../../../src/engine/webgpu/lower/workgroups.ts'

const widths = Array.from({ length: 200 }, (_, i) => 1 + i)
const gradientTiles = widths.flatMap((columns) =>
  [1, 9].map((taps) => gradientTileFor([{ depth: taps * columns, columns }])),
)

/** Bytes of workgroup memory that a kernel declares. */
function workgroupBytes(source: string): number {
  const arrays = [...source.matchAll(/var<workgroup> \w+: array<vec[34][fu], (\d+)>/g)]
  return arrays.reduce((sum, [, count]) => sum + 16 * Number(count), 0)
}

describe('the tiles of dense convolutions', () => {
  test.each([
    [4, 4],
    [8, 8],
    [9, 9],
    [12, 12],
    [16, 16],
    [18, 9],
    [27, 9],
    [32, 16],
    [36, 12],
    [144, 16],
  ])('of %i quads of channels are %i quads wide', (quads, columns) => {
    expect(tileFor(quads).columns).toBe(columns)
  })

  test('have the shape that the kernel is written for, and fit into the workgroup memory of every device', () => {
    for (const tile of widths.map(tileFor)) {
      const rows = tile.threads / tile.columns
      expect(Math.log2(rows) % 1).toBe(0)
      expect(tile.pixels).toBe(rows * tile.each)
      expect(tile.threads % 4).toBe(0)
      expect(tile.threads).toBeLessThanOrEqual(256)
      expect(workgroupBytes(sourceOf(convolve(tile)))).toBeLessThanOrEqual(16384)
    }
  })

  test('have half of the pixels for a small result, so that more workgroups run', () => {
    expect(tileOver(16, 4096).pixels).toBe(tileFor(16).pixels / 2)
    expect(tileOver(16, 65536)).toEqual(tileFor(16))
  })
})

describe('the tiles of filter gradients', () => {
  test('have the shape that the kernel is written for, and fit into the workgroup memory of every device', () => {
    for (const tile of gradientTiles) {
      expect(tile.threads % tile.rows).toBe(0)
      expect(tile.threads % tile.columns).toBe(0)
      expect(tile.threads).toBeGreaterThanOrEqual(16)
      expect(tile.threads).toBeLessThanOrEqual(256)
      expect(workgroupBytes(sourceOf(filterGradient(tile, 0)))).toBeLessThanOrEqual(16384)
    }
  })

  test('cover the gradient of a 1×1 convolution of 72 channels with at most 20 % idle threads', () => {
    const filter = { depth: 18, columns: 18 }
    const tile = gradientTileFor([filter])
    const [rows, columns] = tilesAcross(filter, tile)
    expect(rows * columns * tile.rows * tile.columns).toBeLessThan(1.2 * 18 * 18)
  })
})
