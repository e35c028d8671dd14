/** Small datasets written to a temporary folder, for tests. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { pack } from 'tar-stream'
import { afterEach, beforeEach } from 'vitest'

/** A new folder for each test, removed after it; the user's data folder is in it. */
export function temporaryFolder(): { readonly path: string } {
  const folder = { path: '' }
  const before = process.env.NAS_BENCH_HOME
  beforeEach(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'nas-bench-data-'))
    process.env.NAS_BENCH_HOME = join(folder.path, 'home')
  })
  afterEach(() => {
    if (before === undefined) delete process.env.NAS_BENCH_HOME
    else process.env.NAS_BENCH_HOME = before
    rmSync(folder.path, { recursive: true, force: true })
  })
  return folder
}

export function write(file: string, content: string | Uint8Array): string {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  return file
}

/** Records of a CIFAR file: labels as given, plane p of record r filled with 10·r + p. */
export function cifarRecords(labels: readonly (readonly number[])[]): Buffer {
  return Buffer.concat(
    labels.flatMap((bytes, r) => [Buffer.from(bytes), ...[0, 1, 2].map((p) => Buffer.alloc(1024, 10 * r + p))]),
  )
}

/** A PNG of one colour. */
export function png(red: number, green: number, blue: number, size = 4): Promise<Buffer> {
  return sharp({ create: { width: size, height: size, channels: 3, background: { r: red, g: green, b: blue } } })
    .png()
    .toBuffer()
}

/** Two classes, two training images and one test image each; pixel values tell them apart. */
export async function imageFiles(): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>()
  for (const [label, name] of ['cat', 'dog'].entries()) {
    files.set(`train/${name}/0.png`, await png(100 * label, 10, 0))
    files.set(`train/${name}/1.png`, await png(100 * label, 20, 0))
    files.set(`val/${name}/0.png`, await png(100 * label, 30, 0))
  }
  return files
}

export function writeAll(folder: string, files: ReadonlyMap<string, Uint8Array>): string {
  for (const [path, content] of files) write(join(folder, path), content)
  return folder
}

/** An uncompressed tar of files. */
export async function tar(files: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const archive = pack()
  for (const [name, content] of files) archive.entry({ name }, content)
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}
