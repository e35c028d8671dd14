/**
 * The messages between this package and a search method that is an external program: one JSON object per line, with the
 * member `type`. `docs/external-methods.md` describes the conversation, and `docs/external-methods.schema.json` is made
 * from here.
 */
import { z } from 'zod'

/** Version of the message protocol. A program that states another version is refused. */
export const PROTOCOL = 1

const finite = z.number()
const natural = z.int().min(0)
const matrix = z.array(z.array(finite))

/** An architecture: its text, its decisions (indices), or mixing weights from which the space derives it. */
const architecture = z
  .union([z.string(), z.array(natural), z.strictObject({ theta: matrix, edge_weights: z.array(finite).optional() })])
  .describe('text of the architecture; or its decisions, as `space.decisions` counts them; or mixing weights')

export type ProgramArchitecture = z.infer<typeof architecture>

const plainValue = z.union([z.string(), finite, z.boolean(), z.null()])

const option = z.strictObject({
  type: z.enum(['integer', 'number', 'boolean', 'text']).optional().describe('absent: the type of the default'),
  default: plainValue.describe('null: no value'),
  description: z.string().optional(),
  choices: z.array(z.union([z.string(), finite])).optional(),
  min: finite.optional(),
  max: finite.optional(),
})

export type DeclaredOption = z.infer<typeof option>

/** What a method declares: in the answer to `describe`, or in a method file (YAML). */
export const declaration = z.strictObject({
  name: z.string().regex(/^[\p{L}\p{N}._-]+$/u, 'expected letters, digits, hyphens and no spaces'),
  version: z.int().describe('part of the identity of runs: raise it with every change that changes results'),
  kind: z.enum(['black-box', 'gradient']).default('black-box'),
  description: z.string().default(''),
  source: z.string().default('').describe('paper and year'),
  spaces: z.array(z.string()).min(1).optional().describe('absent: all spaces'),
  options: z
    .record(z.string().regex(/^\w+$/, 'expected letters, digits and _'), z.union([option, plainValue]))
    .default({}),
  saves: z.boolean().default(false).describe('false: an interrupted run starts again'),
  files: z.array(z.string()).optional().describe('files and folders that identify runs; absent: the source files here'),
})

export type Declaration = z.infer<typeof declaration>

const method = declaration.extend({
  type: z.literal('method'),
  protocol: z.int(),
  language: z.string().optional().describe('interpreter and version, as "Python 3.11.7"'),
  interpreter: z.string().optional().describe('absolute path of that interpreter, by which searches are then started'),
})

const ready = z.strictObject({
  type: z.literal('ready'),
  protocol: z.int(),
  epochs: z.int().min(1).optional().describe('number of `epoch` messages; absent: of the settings, or 1 for black-box'),
})

const ask = z.strictObject({
  type: z.literal('ask'),
  architecture,
  epochs: z.int().min(1).optional().describe('one of `fidelities`; absent: the usual length of training'),
})

const epoch = z.strictObject({
  type: z.literal('epoch'),
  epoch: natural,
  architecture: architecture.describe('the architecture that the method would answer now'),
  train_loss: finite.optional(),
  train_accuracy: finite.optional().describe('in %'),
  valid_loss: finite.optional(),
  valid_accuracy: finite.optional().describe('in %'),
  alpha: matrix.optional().describe('architecture parameters, a row for each of `space.edges`'),
  theta: matrix.optional().describe('mixing weights; absent: softmax of `alpha`'),
  hessian_eigenvalue: finite.optional().describe('dominant eigenvalue of the Hessian of the validation loss wrt alpha'),
  extra: z.record(z.string(), finite).optional().describe('further numbers to record'),
  last: z.string().optional().describe('why the search ends here, before its last epoch'),
})

const saved = z.strictObject({ type: z.literal('saved') })
const images = z.strictObject({ type: z.literal('images') })
const alive = z.strictObject({ type: z.literal('alive') })

const answer = z.strictObject({
  type: z.literal('answer'),
  architecture: architecture.optional().describe('absent: the best that was asked (black-box), or of the last epoch'),
})

const error = z.strictObject({ type: z.literal('error'), message: z.string() })

/** Schema of the messages that the program of a search may send. */
export const programMessage = z.discriminatedUnion('type', [
  method,
  ready,
  ask,
  epoch,
  saved,
  images,
  alive,
  answer,
  error,
])

export type ProgramMessage = z.infer<typeof programMessage>

const imageFiles = z.strictObject({
  images: z.string().describe('NumPy file: intensities 0 to 255, uint8 [number, height, width, channels]'),
  labels: z.string().describe('NumPy file: classes, int32 [number]'),
  indices: z.string().describe('NumPy file: positions in the set that `from` names, int32 [number]'),
  from: z.enum(['train', 'test']),
})

/** Schema of the messages that a program receives. It is not used to read them, but for the published JSON schema. */
export const harnessMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('describe'), protocol: z.int() }),
  z.strictObject({
    type: z.literal('start'),
    protocol: z.int(),
    method: z.string(),
    version: z.int(),
    space: z.strictObject({
      name: z.string(),
      edges: z.array(z.strictObject({ cell: z.string(), from: natural, to: natural, operations: z.array(z.string()) })),
      decisions: z.array(z.int().min(1)).describe('number of possible values of each decision of an architecture'),
    }),
    dataset: z.string(),
    settings: z.record(z.string(), z.unknown()).describe('the search protocol, with the names of `--protocol`'),
    seed: natural,
    options: z.record(z.string(), z.unknown()),
    budget_seconds: finite.nullable().describe('simulated seconds; null: no limit'),
    evaluations: z.int().nullable().describe('most evaluations; null: no limit, or no black-box search'),
    fidelities: z
      .array(z.int())
      .nullable()
      .describe('lengths of training that `ask` accepts; null: only the usual one'),
    folder: z.string().describe('folder for files of the program, deleted at the end'),
    device: z.strictObject({
      cuda: z.string().nullable().describe('value of CUDA_VISIBLE_DEVICES'),
      threads: z.int().nullable(),
    }),
  }),
  z.strictObject({
    type: z.literal('begin'),
    epoch: natural.describe('first epoch to report; above 0 after a restore'),
    restore: z.string().nullable().describe('folder with the files of the last save; null: begin anew'),
  }),
  z.strictObject({
    type: z.literal('told'),
    accuracy: finite.nullable().describe('validation accuracy in %; null: the budget or the evaluations are used up'),
    seconds: finite.nullable().describe('simulated cost of this answer'),
    used_seconds: finite.describe('simulated seconds that the search has spent'),
  }),
  z.strictObject({ type: z.literal('save'), folder: z.string().describe('empty folder to write files to') }),
  z.strictObject({ type: z.literal('continue') }),
  z.strictObject({
    type: z.literal('images'),
    weights: imageFiles.describe('images on which network weights are trained'),
    architecture: imageFiles.describe('images on which alpha is trained'),
    mean: z.array(finite).describe('of each channel, for intensities scaled to 0 to 1'),
    std: z.array(finite),
    classes: z.int(),
    folder: z.string().nullable().describe('folder of the dataset as the user has it; null for built-in images'),
  }),
  z.strictObject({ type: z.literal('end') }),
])

export type HarnessMessage = z.infer<typeof harnessMessage>
