/** The file formats in which a network can be exported. To add a format, add an entry here. */
import { encodeSafetensors } from '../system/safetensors.ts'
import { type Deployment, deployedTensors } from './deployment.ts'
import { type CardFacts, modelCard } from './modelCard.ts'

/** A file of an export: its name within the export's folder, and its content. */
export interface ExportedFile {
  readonly name: string
  readonly content: string | Uint8Array
}

interface ExportFormat {
  /** Description of the format in lists and help texts. */
  readonly about: string
  /** Ending of the format's main file; absent: an export in this format is a folder. */
  readonly ending?: string
  /**
   * Returns the files of a network in this format, the main file first.
   * @param stem name of the files without ending
   * @throws BenchError `unsupported` for a network that the format cannot express
   */
  write(
    deployment: Deployment,
    stem: string,
    facts: CardFacts,
  ): Promise<readonly ExportedFile[]> | readonly ExportedFile[]
}

/** All export formats, by the name that the user types after `--to`. */
export const exportFormats = {
  onnx: {
    about: 'ONNX, opset 17, with normalisation and class names',
    ending: '.onnx',
    write: async (deployment, stem) => {
      const { onnxModel } = await import('./onnx.ts')
      return [{ name: `${stem}.onnx`, content: onnxModel(deployment) }]
    },
  },
  safetensors: {
    about: 'weights alone, with PyTorch’s names and layouts',
    ending: '.safetensors',
    write: (deployment, stem) => [{ name: `${stem}.safetensors`, content: safetensorsFile(deployment) }],
  },
  pytorch: {
    about: 'one Python file whose load() returns the network, with its weights beside it',
    ending: '.py',
    write: async (deployment, stem) => {
      const { pytorchModule } = await import('./pytorch.ts')
      const weights = `${stem}.safetensors`
      return [
        { name: `${stem}.py`, content: pytorchModule(deployment, weights) },
        { name: weights, content: safetensorsFile(deployment) },
      ]
    },
  },
  tfjs: {
    about: 'graph model of TensorFlow.js: a folder with model.json and weights.bin',
    write: async (deployment) => {
      const { graphModel } = await import('./tfjs.ts')
      const { json, weights } = graphModel(deployment, 'weights.bin')
      return [
        { name: 'model.json', content: json },
        { name: 'weights.bin', content: weights },
      ]
    },
  },
  card: {
    about: 'a model card: README with front matter',
    ending: '.md',
    write: (deployment, stem, facts) => [{ name: `${stem}.md`, content: modelCard(deployment, facts) }],
  },
} as const satisfies Readonly<Record<string, ExportFormat>>

export type ExportFormatName = keyof typeof exportFormats
export const exportFormatNames = Object.keys(exportFormats) as readonly ExportFormatName[]

export const formatNamed = (name: ExportFormatName): ExportFormat => exportFormats[name]

/** Returns the bytes of a safetensors file with the tensors of an exported network. */
export function safetensorsFile(deployment: Deployment): Uint8Array {
  const { notes, input } = deployment
  const metadata = { format: 'pt', ...notes, input: JSON.stringify(input) }
  return encodeSafetensors({ tensors: [...deployedTensors(deployment).values()], metadata })
}
