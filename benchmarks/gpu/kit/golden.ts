/**
 * Stage "golden": runs the tests of the WebGPU executor (golden figures, contract of executors, agreement with
 * TensorFlow.js); with `quick`, a few of each. In the kit, which has no vitest, `vitest` is the module `testApi.ts` on Node's own test runner.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const reporter = here('./testReporter.js')
const tests = here('../../../test/engine/webgpu/executor.test.js')
/** Tests of the quick form: figures of single operations, optimiser, a search network, agreement, and a lost GPU. */
const QUICK =
  '^(conv3x3|bn-affine|ce|sgd-nesterov)|c4-no-buffers|^random network [0-3]:|limits that every|saved state on another device'
const chosen = process.argv[2] === 'quick' ? [`--test-name-pattern=${QUICK}`] : []
const child = spawn(process.execPath, [`--test-reporter=${reporter}`, ...chosen, tests], { stdio: 'inherit' })
process.on('SIGTERM', () => child.kill())
child.on('close', (code) => process.exit(code ?? 1))
