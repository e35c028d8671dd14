import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BenchError } from '../../src/core/errors.ts'
import { PickleInput } from '../../src/pickle/pickleInput.ts'
import { readPickle } from '../../src/pickle/readPickle.ts'
import { NdArray, TorchTensor, torchStorage } from '../../src/pickle/values.ts'
import { mutations } from '../tables/mutations.ts'
import { temporaryFolder } from '../tables/temporaryFolder.ts'

/** The same object, dumped by CPython 3.11 with NumPy 2.4 in each protocol. */
const dumped: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/pickles/values.json', import.meta.url), 'utf8'),
)
const protocols = Object.keys(dumped).map((protocol) => [protocol, Buffer.from(dumped[protocol], 'base64')] as const)

const read = (source: Uint8Array | string) =>
  readPickle(new PickleInput('test', Buffer.from(source as string, 'latin1')))
const asMap = (value: unknown) => value as Map<unknown, unknown>

describe.each(protocols)('a pickle of protocol %s', (_, pickle) => {
  const object = asMap(readPickle(new PickleInput('test', pickle)))

  test('may hold None, booleans, integers of any size and floats', () => {
    expect(object.get('none')).toBeNull()
    expect(object.get('bools')).toEqual([true, false])
    const powers = [2 ** 31 - 1, -(2 ** 31), 2 ** 40, -(2 ** 40), 2n ** 70n, -(2n ** 70n)]
    expect(object.get('ints')).toEqual([0, 1, 255, 256, 65535, 65536, -1, ...powers])
    expect(object.get('floats')).toEqual([0, -1.5, 1e300, 0.1])
  })

  test('may hold texts and bytes', () => {
    expect(object.get('text')).toEqual(['', 'a', 'grüße', '日本', '𝄞', 'line\nbreak "quoted" \\ '])
    expect([...(object.get('bytes') as Uint8Array)]).toEqual([0, 255, 10])
    expect([...(object.get('bytearray') as Uint8Array)]).toEqual([97, 98])
  })

  test('may hold containers, and one object in two places', () => {
    expect(object.get('tuple')).toEqual([1, [2], [3, 4], [5, 6, 7], [8, 9, 10, 11], []])
    expect([...asMap(object.get('dict'))]).toEqual([
      ['a', 1],
      [['cifar10', 777], new Map([['x-valid@0', 1.25]])],
    ])
    expect([object.get('set'), object.get('frozen')]).toEqual([new Set([1]), new Set([2])])
    const [first, second] = object.get('shared') as unknown[]
    expect(first).toEqual(['shared'])
    expect(first).toBe(second)
  })

  test('may hold NumPy scalars and arrays of either byte order', () => {
    expect([object.get('scalar'), object.get('scalar32'), object.get('int64')]).toEqual([0.802426, 0.5, -7])
    const array = object.get('array') as NdArray
    expect(array).toBeInstanceOf(NdArray)
    expect([array.dtype.code, array.shape, array.numbers()]).toEqual(['u1', [2, 3], [0, 1, 2, 3, 4, 5]])
    expect((object.get('big endian') as NdArray).numbers()).toEqual([1.5, 2.5])
  })
})

describe('a pickle is read', () => {
  test('from a part of a file, by windows smaller than the pickle', () => {
    const path = join(temporaryFolder(), 'pickle')
    const text = 'x'.repeat(3_000_000)
    const pickle = Buffer.concat([Buffer.from('(X'), length32(text.length), Buffer.from(text), Buffer.from('I17\nl.')])
    writeFileSync(path, Buffer.concat([Buffer.alloc(11), pickle, Buffer.alloc(5)]))
    const descriptor = openSync(path, 'r')
    const input = new PickleInput('file', { descriptor, offset: 11, length: pickle.length + 5 })
    expect(readPickle(input)).toEqual([text, 17])
    expect(input.position).toBe(pickle.length)
    closeSync(descriptor)
  })

  test('with numbers across the borders of windows', () => {
    const path = join(temporaryFolder(), 'numbers')
    const count = 120_000 // 9 bytes each: the second window begins inside a number
    const pickle = Buffer.alloc(9 * count + 3)
    pickle.write('(')
    for (let i = 0; i < count; i++) {
      pickle.write('G', 1 + 9 * i)
      pickle.writeDoubleBE(i / 7, 2 + 9 * i)
    }
    pickle.write('l.', 1 + 9 * count)
    writeFileSync(path, pickle)
    const descriptor = openSync(path, 'r')
    const read = readPickle(new PickleInput('file', { descriptor, offset: 0, length: pickle.length }))
    expect(read).toEqual(Array.from({ length: count }, (_, i) => i / 7))
    closeSync(descriptor)
  })

  test('as Python 2 wrote it, with its strings', () => {
    expect([
      ...asMap(read('\x80\x02}q\x00(U\x04dataq\x01T\x02\x00\x00\x00\x00\xffU\x06labelsq\x02]q\x03K\x07au.')),
    ]).toEqual([
      ['data', '\x00ÿ'],
      ['labels', [7]],
    ])
    expect(read("S'it\\'s \\x41\\n'\n.")).toBe("it's A\n")
  })

  test('with tensors, whose bytes stay in the file', () => {
    const storage = '(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ'
    const pickle = `ctorch._utils\n_rebuild_tensor_v2\n(${storage}K\x02(K\x02K\x02t(K\x02K\x01t\x89ccollections\nOrderedDict\n)RtR.`
    const tensor = readPickle(new PickleInput('test', Buffer.from(pickle, 'latin1')), { persistent: torchStorage })
    expect(tensor).toBeInstanceOf(TorchTensor)
    expect(tensor).toMatchObject({
      storage: { type: 'torch.FloatStorage', key: '0', elements: 6 },
      offset: 2,
      shape: [2, 2],
    })
  })

  test('with little memory if parts of it are freed', () => {
    const entries = Array.from(
      { length: 1000 },
      (_, i) => `K${String.fromCharCode(i % 256)}}(X\x01\x00\x00\x00a]q\x01(K\x01K\x02esu`,
    )
    let largest = 0
    readPickle(new PickleInput('test', Buffer.from(`}(${entries.join('').replaceAll('esu', 'eu')}u.`, 'latin1')), {
      onDict: (dict) => {
        if (!dict.has('a')) return false
        largest = Math.max(largest, dict.size)
        dict.clear()
        return true
      },
    })
    expect(largest).toBe(1)
  })
})

const length32 = (n: number) => Buffer.from(Uint32Array.of(n).buffer)

describe('a pickle is refused, and none of its code is run, where', () => {
  test.each([
    ['it calls the shell', "cposix\nsystem\n(S'echo gotcha'\ntR.", 'names posix.system, which is not a permitted type'],
    ['it calls the shell in protocol 4', '\x80\x04\x8c\x02os\x8c\x06system\x93.', 'names os.system'],
    ['it reads an attribute', 'cbuiltins\ngetattr\n.', 'names builtins.getattr'],
    ['it names a third-party class', 'cmodels\nNet\n)\x81.', 'names models.Net'],
    ['it hides a name behind a dot', 'ccollections\nOrderedDict.fromkeys\n.', 'names collections.OrderedDict.fromkeys'],
    ['it makes an object by class name', '(S"a"\nios\nsystem\n.', 'unknown instruction 105'],
    ['it asks for extensions', '\x80\x02\x82\x01.', 'unknown instruction 130'],
    ['it calls data', ']q\x00)R.', 'calls an object that is not a permitted type'],
    ['a type gets unfit arguments', 'cnumpy\ndtype\nK\x01\x85R.', 'makes a numpy.dtype from unfit arguments'],
    ['it ends too early', '\x80\x04]', 'ends too early'],
    ['it is empty', '', 'ends too early'],
    ['a text is longer than it', 'X\xff\xff\xff\x7fabc.', 'ends too early: 2147483647 more bytes expected'],
    ['a length is beyond all files', '\x8e\xff\xff\xff\xff\xff\xff\xff\xff.', 'holds a length beyond its own'],
    ['the stack is empty', '.', 'takes from an empty stack'],
    ['a group ends that was never begun', 't.', 'ends a group that was never begun'],
    ['an object is named that it does not hold', 'h\x05.', 'names an object 5'],
    ['items are set of a list', '](K\x01K\x02u.', 'sets items of an object that is not a dict'],
    ['a state is set of a number', 'K\x01K\x02b.', 'sets a state that does not fit'],
    ['its protocol is unknown', '\x80\x09.', 'is of protocol 9; 0 to 5 are known'],
    ['it refers to an object outside itself', 'P1\n.', 'refers to an object outside itself'],
    [
      'an integer is absurdly long',
      `\x8b\x00\x00\x01\x00${'a'.repeat(70_000)}.`,
      'holds an integer of 65536 bytes; the limit is 32 bytes',
    ],
    ['a line is endless', `V${'a'.repeat(17_000_000)}\n.`, 'has too long a line; the limit is 16384 KiB'],
    ['a number is malformed', 'Fone\n.', 'holds a malformed number'],
  ])('%s', (_, pickle, message) => {
    expect(() => read(pickle)).toThrow(message)
    expect(() => read(pickle)).toThrow(BenchError)
  })

  test('a few bytes need gigabytes of containers', () => {
    expect(() => read('}'.repeat(2_000_000))).toThrow(
      'needs too much memory for its lists, dicts and references; the limit is 256 MiB',
    )
  })

  test('a few bytes need gigabytes of copies', () => {
    const text = `X\x00\x00\x01\x00${'a'.repeat(65_536)}q\x000`
    const copies = 'c_codecs\nencode\n(h\x00X\x06\x00\x00\x00latin1tR0'.repeat(5000)
    expect(() => read(`${text}${copies}N.`)).toThrow(
      'needs too much memory for its lists, dicts and references; the limit is 256 MiB',
    )
  })
})

test('10,000 damaged pickles are read or refused, each at once', () => {
  const counts = { read: 0, refused: 0 }
  for (const [protocol, pickle] of protocols) {
    for (const damaged of mutations(pickle, 1700, Number(protocol))) {
      try {
        readPickle(new PickleInput('damaged', damaged))
        counts.read++
      } catch (error) {
        expect(error).toBeInstanceOf(BenchError)
        counts.refused++
      }
    }
  }
  expect(counts.read + counts.refused).toBe(10_200)
  expect(counts.refused).toBeGreaterThan(5000)
})
