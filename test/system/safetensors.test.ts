import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeSafetensors, encodeSafetensors, type TensorFile } from '../../src/system/safetensors.ts'
import { temporaryFolder } from '../data/sampleFiles.ts'

const folder = temporaryFolder()
const { PYTHON = 'python3' } = process.env

const file: TensorFile = {
  tensors: [
    { name: 'b.weight', shape: [2, 1, 3], values: Float32Array.of(1, -2, 0.5, 1e-30, 3e38, -0) },
    { name: 'a', shape: [], values: Float32Array.of(7) },
    { name: 'empty', shape: [0, 4], values: new Float32Array(0) },
  ],
  metadata: { format: 'pt', classes: '["é", "b"]' },
}

test('a file has the bytes that the format prescribes', () => {
  const bytes = Buffer.from(encodeSafetensors({ tensors: [file.tensors[1]], metadata: { format: 'pt' } }))
  const json = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}'
  const length = Buffer.alloc(8)
  length.writeUInt32LE(88)
  expect(bytes.toString('hex')).toBe(
    Buffer.concat([length, Buffer.from(json.padEnd(88)), Buffer.of(0, 0, 0xe0, 0x40)]).toString('hex'),
  )
})

test('reading gives what was written, wherever the bytes lie in memory', () => {
  const bytes = encodeSafetensors(file)
  expect(decodeSafetensors(bytes, 'x')).toEqual(file)
  const shifted = new Uint8Array(bytes.length + 3)
  shifted.set(bytes, 3)
  expect(decodeSafetensors(shifted.subarray(3), 'x')).toEqual(file)
})

const written = (header: unknown, data: number) => {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const bytes = Buffer.alloc(8 + json.length + data)
  bytes.writeUInt32LE(json.length)
  bytes.set(json, 8)
  return bytes
}
const at = (...offsets: number[]) => ({ dtype: 'F32', shape: [2], data_offsets: offsets })

test.each([
  ['a file of three bytes', Buffer.alloc(3), /x.bin is no safetensors file: it has 3 bytes; restore/],
  ['a header longer than the file', Buffer.alloc(20, 255), 'its header is longer than the file'],
  ['a header that is no JSON', written('[1', 0), 'its header is no JSON object'],
  ['a header that is a list', written('[1]', 0), 'its header is no JSON object'],
  ['metadata that is no text', written({ __metadata__: { a: 1 } }, 0), 'not a list of texts by name'],
  [
    'a tensor of another type',
    written({ a: { ...at(0, 4), dtype: 'BF16' } }, 4),
    'has type BF16; only F32 can be read',
  ],
  ['a tensor without a place', written({ a: { dtype: 'F32', shape: [2] } }, 8), 'has no type, shape and place'],
  ['a negative shape', written({ a: { ...at(0, 8), shape: [-2] } }, 8), 'has no type, shape and place'],
  ['a tensor beyond the end', written({ a: at(8, 16) }, 8), 'of shape [2] is at bytes 8 to 16 of 8'],
  ['a place of another size', written({ a: at(0, 4) }, 8), 'of shape [2] is at bytes 0 to 4 of 8'],
  ['bytes of no tensor', written({ a: at(0, 8) }, 12), 'its tensors have 8 bytes and it has 12'],
])('%s is refused in one line', (_, bytes, message) => {
  expect(() => decodeSafetensors(bytes, 'x.bin')).toThrow(message)
})

test('every shortened file is refused', () => {
  const bytes = encodeSafetensors(file)
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodeSafetensors(bytes.subarray(0, length), 'x')).toThrow(/^x/)
  }
})

const python = (code: string, ...args: string[]) => spawnSync(PYTHON, ['-c', code, ...args], { encoding: 'utf8' })
const hasPackage = python('import safetensors.numpy').status === 0

test.skipIf(!hasPackage)(
  `PyPI’s safetensors reads the file, and we read its${hasPackage ? '' : ` (skipped: ${PYTHON} does not have it)`}`,
  () => {
    const path = join(folder.path, 'ours.safetensors')
    writeFileSync(path, encodeSafetensors(file))
    const { stdout, stderr } = python(
      `
import sys, numpy as np, safetensors, safetensors.numpy as st
with safetensors.safe_open(sys.argv[1], framework="np") as f:
    print(f.metadata()["classes"], sorted(f.keys()))
t = st.load_file(sys.argv[1])
print(t["b.weight"].shape, [float(x) for x in t["b.weight"].ravel()])
sys.stdout.flush()
sys.stdout.buffer.write(st.save({k: np.asarray(v + 1, 'float32') for k, v in t.items()}, metadata={"who": "python"}).hex().encode())`,
      path,
    )
    expect(stderr).toBe('')
    const [head, values, hex] = stdout.split('\n')
    expect(head).toBe("[\"é\", \"b\"] ['a', 'b.weight', 'empty']")
    expect(values).toMatch(/^\(2, 1, 3\) \[1.0, -2.0, 0.5, 1.0000000031710769e-30, 3\.\d+e\+38, -0.0\]$/)
    const theirs = decodeSafetensors(Buffer.from(hex, 'hex'), 'theirs')
    expect(theirs.metadata).toEqual({ who: 'python' })
    expect(theirs.tensors.find(({ name }) => name === 'b.weight')?.values[2]).toBe(1.5)
    expect(theirs.tensors).toHaveLength(3)
  },
)
