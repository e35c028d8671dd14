import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { nb201 } from '../../src/spaces/nb201/index.ts'
import { type FetchTableOptions, fetchTable } from '../../src/tables/importTable.ts'
import { openTable } from '../../src/tables/openTable.ts'
import { tableSources } from '../../src/tables/sources.ts'
import { spaceIndex } from '../../src/tables/spaceIndex.ts'
import { temporaryFolder } from './temporaryFolder.ts'

const home = temporaryFolder()
const space = spaceIndex(nb201)
const source = Buffer.from(
  `arch,params-M\n${Array.from({ length: 2000 }, (_, i) => `${space.at(i)},${i / 1000}`).join('\n')}\n`,
)
const sha256 = createHash('sha256').update(source).digest('hex')

/** What the server does to the next requests; whole answers after that. */
let trouble: ((response: ServerResponse, start: number) => void)[] = []
let server: Server
let url: string

beforeAll(async () => {
  process.env.NAS_BENCH_HOME = home
  server = createServer((request, response) => {
    const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const next = trouble.shift()
    if (next !== undefined) return next(response, start)
    const headers = { 'content-length': source.length - start, etag: '"1"' }
    const range = { 'content-range': `bytes ${start}-${source.length - 1}/${source.length}` }
    response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...range } : headers)
    response.end(source.subarray(start))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mine.csv`
})
afterAll(() => {
  delete process.env.NAS_BENCH_HOME
  server.close()
})
beforeEach(() => {
  trouble = []
})

const fetchMine = (options: Partial<FetchTableOptions> = {}) =>
  fetchTable('mine', { as: 'mine', space, partial: true, url, sha256, attempts: 6, pauseMs: 1, ...options })

const dropped = (response: ServerResponse, start: number) => {
  const range = { 'content-range': `bytes ${start}-${source.length - 1}/${source.length}` }
  const headers = { 'content-length': source.length - start, etag: '"1"' }
  response.writeHead(start > 0 ? 206 : 200, start > 0 ? { ...headers, ...range } : headers)
  response.write(source.subarray(start, start + 50_000), () => setTimeout(() => response.destroy(), 30))
}
const status = (code: number) => (response: ServerResponse) => response.writeHead(code).end()

describe('a table is fetched', () => {
  test('and opens by its name; the download is deleted', async () => {
    await fetchMine()
    const table = await openTable('mine')
    expect(table.rows).toBe(2000)
    expect(table.column('params-M').at(1234)).toBe(1.234)
    expect(readdirSync(join(home, 'downloads'))).toEqual([])
  })

  test('from a server that drops connections and fails at times', async () => {
    trouble = [dropped, status(503), dropped]
    await expect(fetchMine({ as: 'dropped' })).resolves.toMatchObject({ rows: 2000 })
  })
})

describe('a table is not fetched, and nothing is written, where', () => {
  test.each([
    ['the bytes are not those of the hash', [], { sha256: '0'.repeat(64) }, /SHA-256|hash/],
    ['there is no such file', [status(404)], {}, '404'],
    ['the server fails again and again', Array.from({ length: 20 }, () => status(500)), {}, '500'],
    ['the address is malformed', [], { url: 'ftp://host/file' }, 'is not an address to download from'],
    [
      'a web page comes in place of the file',
      [(response: ServerResponse) => response.end('<html>')],
      { sha256: undefined },
      'is a web page',
    ],
  ])('%s', async (_, bad, options, message) => {
    trouble = bad
    await expect(fetchMine({ as: 'refused', ...options })).rejects.toThrow(message)
    expect(existsSync(join(home, 'tables/refused.arrow'))).toBe(false)
  })

  test('its name is unknown', async () => {
    const attempt = fetchTable('nb20', { as: 'nb20', space })
    await expect(attempt).rejects.toThrow('unknown table to fetch "nb20"; did you mean "nb201"?')
  })
})

test('every known source has an address, a page and a hash', () => {
  for (const known of Object.values(tableSources())) {
    expect(known).toMatchObject({
      url: expect.stringMatching(/^https:/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
  }
})
