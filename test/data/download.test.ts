import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type DownloadOptions, download } from '../../src/data/download.ts'
import { fetchDataset } from '../../src/data/fetchDataset.ts'
import { raiseLimit } from '../../src/system/limits.ts'
import { cifarRecords, tar, temporaryFolder, write } from './sampleFiles.ts'

const folder = temporaryFolder()
const servers: Server[] = []
const tcpServers: TcpServer[] = []
afterEach(() => {
  delete process.env.NAS_BENCH_RAISED_LIMITS
  for (const server of tcpServers.splice(0)) server.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void

/** A server on this machine. → its address and what it was asked for */
async function serve(answer: Answer): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    answer(request, response, ranges.length)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file.tar.gz`, ranges }
}

const content = Buffer.from(randomBytes(300_000))
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Sends bytes, and cuts the connection as soon as the client has stored them. */
function sendAndCut(response: ServerResponse, bytes: Uint8Array): void {
  const part = join(folder.path, 'downloads/file.part')
  const size = () => statSync(part, { throwIfNoEntry: false })?.size ?? 0
  const cut = () => (size() >= bytes.length ? response.destroy() : setTimeout(cut, 5))
  response.write(bytes, cut)
}

/** The content as a well-behaved server sends it, cut off after `bytes`. */
function send(bytes: Buffer, { etag = '"1"', cutAfter = Number.POSITIVE_INFINITY } = {}): Answer {
  return (request, response) => {
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
    const sameVersion = [undefined, etag].includes(request.headers['if-range'] as string | undefined)
    const from = asked !== null && sameVersion ? Number(asked[1]) : 0
    if (from >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
    response.writeHead(from > 0 ? 206 : 200, {
      etag,
      'content-length': bytes.length - from,
      ...(from > 0 ? range : {}),
    })
    const part = bytes.subarray(from, from + cutAfter)
    response.write(part, () => (part.length < bytes.length - from ? response.destroy() : response.end()))
  }
}

const get = (url: string, options: Partial<DownloadOptions> = {}) =>
  download({ url, target: join(folder.path, 'downloads/file'), pauseMs: 1, ...options })
const left = () =>
  existsSync(join(folder.path, 'downloads')) ? readdirSync(join(folder.path, 'downloads')).sort() : []

describe('a download', () => {
  it('returns the path, size and hash of the file', async () => {
    const { url } = await serve(send(content))
    const seen: number[] = []
    const done = await get(url, { sha256: sha256(content), onProgress: (received) => seen.push(received) })
    expect(done).toEqual({ path: join(folder.path, 'downloads/file'), bytes: 300_000, sha256: sha256(content) })
    expect(readFileSync(done.path).equals(content)).toBe(true)
    expect(seen.at(-1)).toBe(300_000)
    expect(left()).toEqual(['file'])
  })

  it('is not repeated if the file exists', async () => {
    const { url, ranges } = await serve(send(content))
    await get(url, { sha256: sha256(content) })
    await get(url, { sha256: sha256(content).toUpperCase() })
    expect(ranges).toHaveLength(1)
  })

  it('resumes after a dropped connection', async () => {
    const { url, ranges } = await serve(send(content, { cutAfter: 100_000 }))
    await get(url, { sha256: sha256(content) })
    expect(readFileSync(join(folder.path, 'downloads/file')).equals(content)).toBe(true)
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-'])
  })

  it('resumes after an earlier call, and keeps the received bytes when it fails', async () => {
    const dead = await serve((request, response, count) => {
      if (count === 1) send(content, { cutAfter: 120_000 })(request, response, count)
      else response.destroy()
    })
    await expect(get(dead.url, { attempts: 2 })).rejects.toThrow(
      /cannot be reached \(.*\), 2 times in a row; the 120000 bytes so far are kept, and the same command goes on/,
    )
    expect(left()).toEqual(['file.part', 'file.part.version'])
    const { url, ranges } = await serve(send(content))
    expect((await get(url)).sha256).toBe(sha256(content))
    expect(ranges).toEqual(['bytes=120000-'])
  })

  it('starts afresh if the server has another version of the file', async () => {
    const other = Buffer.from(randomBytes(200_000))
    const { url } = await serve((request, response, count) =>
      count === 1
        ? send(content, { etag: '"old"', cutAfter: 50_000 })(request, response, count)
        : send(other, { etag: '"new"' })(request, response, count),
    )
    expect((await get(url)).sha256).toBe(sha256(other))
  })

  /** A server that goes on from anywhere, whatever version was asked for. */
  const careless =
    (bytes: Buffer, headers: Record<string, string>): Answer =>
    (request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const range = { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }
      response.writeHead(from > 0 ? 206 : 200, {
        ...headers,
        'content-length': bytes.length - from,
        ...(from > 0 && range),
      })
      response.end(bytes.subarray(from))
    }
  const hourAgo = new Date(Date.now() - 3_600_000).toUTCString()
  const dayAgo = new Date(Date.now() - 86_400_000).toUTCString()

  it.each([
    ['another ETag', { etag: '"old"' }, { etag: '"new"' }],
    ['no ETag any more', { etag: '"old"' }, {}],
    ['a weak ETag', { etag: 'W/"1"' }, { etag: 'W/"1"' }],
    ['another time', { 'last-modified': dayAgo }, { 'last-modified': hourAgo }],
    [
      'a time of this very minute',
      { 'last-modified': new Date().toUTCString() },
      { 'last-modified': new Date().toUTCString() },
    ],
    ['no version at all', {}, {}],
  ])('never joins two versions where a careless server gives %s', async (_, first, second) => {
    const other = Buffer.from(randomBytes(200_000))
    const { url } = await serve((request, response, count) => {
      if (count > 1) return careless(other, second)(request, response, count)
      response.writeHead(200, { ...first, 'content-length': content.length })
      sendAndCut(response, content.subarray(0, 50_000))
    })
    expect((await get(url)).sha256).toBe(sha256(other))
  })

  it('resumes if the server identifies the version by a time that is an hour old', async () => {
    const { url, ranges } = await serve((request, response, count) => {
      const headers = { 'last-modified': hourAgo }
      if (count > 1) return careless(content, headers)(request, response, count)
      response.writeHead(200, { ...headers, 'content-length': content.length })
      sendAndCut(response, content.subarray(0, 50_000))
    })
    expect((await get(url)).sha256).toBe(sha256(content))
    expect(ranges).toEqual([undefined, 'bytes=50000-'])
  })

  it('starts afresh if the kept part turns out to be of another file', async () => {
    write(join(folder.path, 'downloads/file.part'), Buffer.alloc(100_000, 7))
    const { url, ranges } = await serve(careless(content, {}))
    expect((await get(url, { sha256: sha256(content) })).bytes).toBe(300_000)
    expect(ranges).toEqual(['bytes=100000-', undefined])
  })

  it('accepts a server that sends a range in pieces', async () => {
    const { url, ranges } = await serve((request, response) => {
      const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      const piece = content.subarray(from, from + 100_000)
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"1"',
        ...(from > 0 && { 'content-range': `bytes ${from}-${from + piece.length - 1}/${content.length}` }),
        'content-length': from > 0 ? piece.length : content.length,
      })
      response.write(piece, () => (from > 0 ? response.end() : response.destroy()))
    })
    expect((await get(url)).sha256).toBe(sha256(content))
    expect(ranges).toEqual([undefined, 'bytes=100000-', 'bytes=200000-'])
  })

  it('decompresses a compressed response, and checks that it is complete', async () => {
    const packed = gzipSync(content)
    const { url } = await serve((_, response, count) => {
      response.writeHead(200, { etag: '"1"', 'content-encoding': 'gzip', 'content-length': packed.length })
      response.write(packed.subarray(0, count === 1 ? 90_000 : undefined), () =>
        count === 1 ? response.destroy() : response.end(),
      )
    })
    expect((await get(url)).sha256).toBe(sha256(content))
  })

  it('starts afresh if the kept part is longer than the file', async () => {
    write(join(folder.path, 'downloads/file.part'), Buffer.alloc(400_000))
    const { url } = await serve(send(content))
    expect((await get(url, { sha256: sha256(content) })).bytes).toBe(300_000)
  })

  it('recognises a complete part that was not yet renamed', async () => {
    write(join(folder.path, 'downloads/file.part'), content)
    const { url } = await serve(send(content))
    expect((await get(url, { sha256: sha256(content) })).bytes).toBe(300_000)
  })

  it('refuses a file with a wrong hash and keeps nothing of it', async () => {
    const { url } = await serve(send(Buffer.from('wrong')))
    await expect(get(url, { sha256: sha256(content) })).rejects.toThrow(
      new RegExp(`has SHA-256 ${sha256(Buffer.from('wrong'))}; expected ${sha256(content)}; nothing was kept`),
    )
    expect(left()).toEqual([])
  })

  it('tries again after 500 and 503, a few times', async () => {
    const { url } = await serve((request, response, count) =>
      count < 3 ? response.writeHead(count === 1 ? 500 : 503).end() : send(content)(request, response, count),
    )
    expect((await get(url)).bytes).toBe(300_000)
    const broken = await serve((_, response) => response.writeHead(500).end())
    await expect(get(broken.url, { target: join(folder.path, 'downloads/b') })).rejects.toThrow(
      /answers 500 Internal Server Error, 5 times in a row$/,
    )
    expect(broken.ranges).toHaveLength(5)
  })

  it('gives up at once after 404', async () => {
    const { url, ranges } = await serve((_, response) => response.writeHead(404).end())
    await expect(get(url)).rejects.toThrow(/answers 404 Not Found; check the address, or name another with --url/)
    expect(ranges).toHaveLength(1)
    expect(left()).toEqual([])
  })

  it('gives up on a server that sends nothing more', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('12345')
    })
    await expect(get(url, { stallMs: 50, attempts: 1 })).rejects.toThrow(
      /broke off after 5 bytes \(no answer for too long\)/,
    )
  })

  it.each([
    ['has a port that no browser opens', () => 'http://127.0.0.1:1/file', /cannot be downloaded \(bad port\)/],
    ['leads to a file of this machine', () => redirecting('file:///etc/hostname'), /cannot be downloaded/],
    ['leads to itself', () => redirecting('/file.tar.gz'), /cannot be downloaded \(redirect count exceeded\)/],
    ['leads nowhere', () => redirecting('http://'), /cannot be downloaded/],
    [
      'is of a host that does not exist',
      () => 'http://no-such-host.invalid/file',
      /cannot be downloaded \(ENOTFOUND\)|EAI_AGAIN/,
    ],
    ['speaks another protocol', () => speaking('SSH-2.0-OpenSSH_9.6\r\n'), /cannot be downloaded \(HPE_/],
    [
      'has no certificate',
      () => speaking('HTTP/1.1 200 OK\r\n\r\n').then((url) => url.replace('http:', 'https:')),
      /cannot be downloaded \(E/,
    ],
    [
      'garbles what it compresses',
      () => compressing(Buffer.from('no gzip')),
      /cannot be downloaded \(Z_DATA_ERROR\)|incorrect header/,
    ],
  ])('fails at once where the address %s', async (_, address, message) => {
    const url = await address()
    const began = performance.now()
    await expect(get(url, { attempts: 2, pauseMs: 60_000 })).rejects.toThrow(message)
    expect(performance.now() - began).toBeLessThan(30_000)
  })

  const redirecting = async (location: string) =>
    (await serve((_, response) => response.writeHead(302, { location }).end())).url
  const compressing = async (bytes: Buffer) =>
    (await serve((_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bytes))).url

  /** A server that says the same to everybody. */
  async function speaking(words: string): Promise<string> {
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined)
      socket.end(words)
    })
    tcpServers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
  }

  it.each([
    [
      'says beforehand that it is',
      (response: ServerResponse) => response.writeHead(200, { 'content-length': 2 ** 21 }),
    ],
    ['never ends', (response: ServerResponse) => response.writeHead(200)],
  ])('larger than the limit is broken off, and nothing kept, where the server %s', async (_, begin) => {
    raiseLimit('download-gib=0.001')
    let sent = 0
    const { url } = await serve((_, response) => {
      begin(response)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(2 ** 16))) sent += 2 ** 16
      }
      response.on('drain', more).on('close', () => response.off('drain', more))
      more()
    })
    await expect(get(url)).rejects.toThrow(
      /has 0\.0 GiB or more; the limit is 0\.001 GiB: raise it with --raise download-gib=0\.002/,
    )
    expect(left()).toEqual([])
    expect(sent).toBeLessThan(2 ** 26)
  })

  it('is not begun if the stated size does not fit on the disk', async () => {
    raiseLimit('download-gib=1e9')
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 2 ** 50 })
      response.write('x')
    })
    await expect(get(url)).rejects.toThrow(/file\.part needs 1048576\.0 GiB more, and its disk has .* GiB free/)
  })

  it('waits for another download to the same path, and then finds the file there', async () => {
    const { url, ranges } = await serve((request, response, count) => {
      setTimeout(() => send(content)(request, response, count), 300)
    })
    const waited: string[] = []
    const both = await Promise.all(
      [1, 2].map(() => get(url, { sha256: sha256(content), onWait: (line) => waited.push(line) })),
    )
    expect(both.map(({ bytes }) => bytes)).toEqual([300_000, 300_000])
    expect(ranges).toHaveLength(1)
    expect(waited).toEqual([expect.stringMatching(/^waiting for process \d+ on .*, which downloads http/)])
    expect(left()).toEqual(['file'])
  })

  it('accepts only web addresses', async () => {
    await expect(get('ftp://host/file')).rejects.toThrow(/"ftp:\/\/host\/file" is not an address to download from/)
  })
})

describe('fetching a dataset', () => {
  it('downloads it once if two processes fetch it at the same time', async () => {
    const bytes = await cifar()
    const { url, ranges } = await serve((request, response, count) => {
      setTimeout(() => send(bytes)(request, response, count), 300)
    })
    const both = await Promise.all([1, 2].map(() => fetchDataset('cifar10', { url, ...quick })))
    expect(both.map(({ train }) => train.count)).toEqual([2, 2])
    expect(ranges).toHaveLength(1)
    expect(readdirSync(join(folder.path, 'home/downloads'))).toEqual([])
  })

  const archive = async (files: Record<string, Buffer>) => gzipSync(await tar(new Map(Object.entries(files))))
  const cifar = () =>
    archive({
      'cifar-10-batches-bin/data_batch_1.bin': cifarRecords([[1], [2]]),
      'cifar-10-batches-bin/test_batch.bin': cifarRecords([[3]]),
    })
  const quick = { pauseMs: 1, attempts: 1 }

  it('puts it where it is found by name', async () => {
    const bytes = await cifar()
    const { url, ranges } = await serve(send(bytes))
    const dataset = await fetchDataset('cifar10', { url, sha256: sha256(bytes), ...quick })
    expect([...dataset.train.labels]).toEqual([1, 2])
    expect(readdirSync(join(folder.path, 'home/datasets'))).toEqual(['cifar10'])
    expect(readdirSync(join(folder.path, 'home/downloads'))).toEqual([])
    const lines: string[] = []
    await fetchDataset('cifar10', { url, sha256: sha256(bytes), onIdle: (line) => lines.push(line), ...quick })
    expect(ranges).toHaveLength(1)
    expect(lines).toEqual([expect.stringMatching(/cifar10 has files already, so --url and --sha256 did nothing; move/)])
  })

  it.each([true, false])(
    'keeps an archive beyond a limit for the call with a higher limit; stated hash: %s',
    async (isStated) => {
      const bytes = await archive({
        'cifar-10-batches-bin/data_batch_1.bin': Buffer.concat(Array(4000).fill(cifarRecords([[1]]))),
        'cifar-10-batches-bin/test_batch.bin': cifarRecords([[3]]),
      })
      const { url, ranges } = await serve(send(bytes))
      const options = { url, ...(isStated && { sha256: sha256(bytes) }), ...quick }
      await expect(fetchDataset('cifar10', options)).rejects.toThrow(/raise it with --raise archive-ratio=/)
      raiseLimit('archive-ratio=100000')
      expect((await fetchDataset('cifar10', options)).train.count).toBe(4000)
      expect(ranges).toHaveLength(1)
      expect(readdirSync(join(folder.path, 'home/downloads'))).toEqual([])
    },
  )

  it('removes an archive whose content is at fault', async () => {
    const { url } = await serve(send(await archive({ 'readme.txt': Buffer.from('hello') })))
    await expect(fetchDataset('cifar10', { url, ...quick })).rejects.toThrow('does not hold cifar10')
    expect(readdirSync(join(folder.path, 'home/downloads'))).toEqual([])
  })

  it('puts it into a folder of choice', async () => {
    const { url } = await serve(send(await cifar()))
    const to = join(folder.path, 'mine')
    expect((await fetchDataset('cifar10', { url, to, ...quick })).train.count).toBe(2)
    expect(existsSync(join(to, 'cifar-10-batches-bin/data_batch_1.bin'))).toBe(true)
  })

  it.each([
    ['holds something else', { 'readme.txt': Buffer.from('hello') }, /does not hold cifar10/],
    ['leads outside', { '../data_batch_1.bin': cifarRecords([[1]]) }, /leads outside the archive; refused/],
    ['is a bomb', { 'data_batch_1.bin': Buffer.alloc(2 ** 24) }, /holds more than/],
  ])('leaves nothing behind when the archive %s', async (_, files, message) => {
    const { url } = await serve(send(await archive(files as unknown as Record<string, Buffer>)))
    await expect(fetchDataset('cifar10', { url, ...quick })).rejects.toThrow(message)
    expect(existsSync(join(folder.path, 'home/datasets/cifar10'))).toBe(false)
    expect(readdirSync(join(folder.path, 'home/datasets'))).toEqual([])
    expect(existsSync(join(folder.path, 'data_batch_1.bin'))).toBe(false)
  })

  it('says where to get a dataset without a public address', async () => {
    await expect(fetchDataset('imagenet16-120')).rejects.toThrow(
      /ImageNet16-120 has no public address; get it at https:\/\/image-net\.org/,
    )
  })

  it('lists the datasets that can be fetched', async () => {
    await expect(fetchDataset('cifar11')).rejects.toThrow(
      /unknown dataset to fetch "cifar11"; did you mean "cifar10"\?/,
    )
  })
})
