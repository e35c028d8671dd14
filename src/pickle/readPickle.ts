/**
 * Reads Python pickles, protocols 0 to 5, as data. Nothing is executed: the only names that a pickle may hold are those
 * of `pythonTypes.ts`. Memory is bounded by the pickle's own size, and far below it where `onDict` lets parts go.
 *
 * None → null · int → number, bigint beyond 2⁵³ · str → string · bytes → Uint8Array · list, tuple → array ·
 * dict, OrderedDict → Map · set → Set · NumPy scalars → number, arrays → NdArray · PyTorch tensors → TorchTensor
 */
import { instructions } from './instructions.ts'
import { PickleMachine, type PickleOptions } from './machine.ts'
import type { PickleInput } from './pickleInput.ts'

const STOP = 0x2e

/** Reads one pickle; the input then stands behind it. @throws BenchError `bad-input` with the byte that is at fault */
export function readPickle(input: PickleInput, options: PickleOptions = {}): unknown {
  try {
    return run(input, new PickleMachine(input, options))
  } catch (cause) {
    // Text, sets and arrays beyond what JavaScript holds.
    if (cause instanceof RangeError || isTooLongText(cause))
      throw input.error(`is too large (${(cause as Error).message})`)
    throw cause
  }
}

const isTooLongText = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG'

function run(input: PickleInput, machine: PickleMachine): unknown {
  for (;;) {
    const opcode = input.byte()
    if (opcode === STOP) return machine.pop()
    const instruction = instructions[opcode]
    if (instruction === undefined) throw input.error(`has an unknown instruction ${opcode}: it is damaged, or no data`)
    instruction(machine)
  }
}
