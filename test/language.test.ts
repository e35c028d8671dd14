/** Names that an outside reader could not understand do not come back: each has a plain one, which is used instead. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SRC = join(import.meta.dirname, '../src')

/** Former name and the name to use. */
const RENAMED: Readonly<Record<string, string>> = {
  gates: 'activationMasks',
  gated: 'pathMasked',
  heldRelu: 'frozenRelu',
  holdGates: 'freezeActivations',
  heldGates: 'frozenActivations',
  taking: 'recording',
  functionOf: 'trainingKey',
  crew: 'threads',
  crewMember: 'worker',
  threadsThatPay: 'usefulThreads',
  hear: 'drainMessages',
  obey: 'runOrder',
  CrewNews: 'ControlMessage',
  Hearing: 'ProgressTracker',
  Heard: 'RunProgress',
  said: 'reported',
  stranger: 'unknownKey or thirdParty',
  isOdd: 'problem',
  inSightOfAll: 'referenceContext',
  Course: 'EpochLoop',
  fuller: 'upgradeHints',
  detailed: 'dependentOptions',
  Lent: 'Transient',
  bundle: 'PackedBuffer',
  giver: 'gradientSource',
  goal: 'target',
  ROOMS: 'ARITIES',
  roomFor: 'arityFor',
  filledUp: 'padTo',
  settle: 'computeScaleShift',
  distribute: 'backpropTerms',
  seatedTerms: 'placedTerms',
  trainField: 'trainGradient',
  oneLevel: 'singleLevel',
  sealedFile: 'checksummedFile',
  idleness: 'hangDetector',
}

/** Where a former name is the field's own term. */
const OWN_TERM: Readonly<Record<string, readonly string[]>> = {
  // The gates of an LSTM.
  gates: ['algorithms/enasController.ts'],
}

/** The code of a file without comments and texts. */
function identifiersOf(source: string): ReadonlySet<string> {
  const code = source
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")
    .replace(/\/\/[^\n]*/g, '')
  return new Set(code.match(/[A-Za-z_$][\w$]*/g))
}

test('no identifier in src has one of the names that were replaced', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(100)
  const found = files.flatMap((file) => {
    const used = identifiersOf(readFileSync(join(SRC, file), 'utf8'))
    return Object.entries(RENAMED)
      .filter(([name]) => used.has(name) && !OWN_TERM[name]?.includes(file))
      .map(([name, better]) => `src/${file}: ${name}; use ${better}`)
  })
  expect(found).toEqual([])
})
