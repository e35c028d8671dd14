import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { safetensorsFile } from '../../src/export/formats.ts'
import { pytorchModule } from '../../src/export/pytorch.ts'
import { temporaryFolder, write } from '../data/sampleFiles.ts'
import { cases, channelsFirst, relativeDifference, type TrainedCase, trainCase } from './trainedNetworks.ts'

const folder = temporaryFolder()
const { PYTHON = 'python3' } = process.env
const python = (code: string) => spawnSync(PYTHON, ['-c', code], { encoding: 'utf8' })
const hasPython = python('import ast').status === 0
const hasTorch = python('import torch, safetensors.torch').status === 0

const trained: TrainedCase[] = []
beforeAll(async () => {
  for (const kind of cases) trained.push(await trainCase(kind))
})

/** Runs every network in one process, which takes seconds to load PyTorch. */
const RUN = (path: string) => `
import importlib.util, json, torch
for case in json.load(open(${JSON.stringify(path)})):
    spec = importlib.util.spec_from_file_location("net", case["folder"] + "/net.py")
    net = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(net)
    network = net.load()
    data = bytearray(open(case["folder"] + "/images.bin", "rb").read())
    images = torch.frombuffer(data, dtype=torch.float32).reshape(case["shape"])
    with torch.no_grad():
        logits = network(images)
    count = sum(p.numel() for p in network.parameters())
    print(json.dumps({"logits": logits.flatten().tolist(), "classes": net.CLASSES, "training": network.training, "count": count}))`

describe('the Python file', () => {
  test.skipIf(!hasTorch)(
    `gives the same logits in PyTorch for every network${hasTorch ? '' : ` (skipped: ${PYTHON} has no torch and safetensors)`}`,
    () => {
      const listed = trained.map(({ deployment, images, count }, i) => {
        const own = join(folder.path, String(i))
        write(join(own, 'net.py'), pytorchModule(deployment, 'net.safetensors'))
        write(join(own, 'net.safetensors'), safetensorsFile(deployment))
        write(join(own, 'images.bin'), Buffer.from(channelsFirst(images, count).buffer))
        const { height, width } = deployment.input
        return { folder: own, shape: [count, 3, height, width] }
      })
      const path = write(join(folder.path, 'cases.json'), JSON.stringify(listed))
      const { stdout, stderr, status } = python(RUN(path))
      expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' })
      const answers = stdout.trim().split('\n')
      expect(answers).toHaveLength(cases.length)
      for (const [i, line] of answers.entries()) {
        const { logits, classes, training, count } = JSON.parse(line)
        expect(relativeDifference(logits, trained[i].logits), cases[i].name).toBeLessThan(1e-4)
        expect({ classes, training }).toEqual({ classes: ['apple', 'pear', 'plum'], training: false })
        expect(count).toBe(trained[i].deployment.state.weights.length)
      }
    },
  )

  test.skipIf(!hasPython)('is Python, also where names contain quotes and backslashes', () => {
    for (const [i, { deployment }] of trained.entries()) {
      const classNames = ['a"b', "it's \\ back", 'é\n"""']
      const text = pytorchModule({ ...deployment, input: { ...deployment.input, classNames } }, 'net "1".safetensors')
      const path = write(join(folder.path, `${i}.py`), text)
      const code = `import ast, json
tree = ast.parse(open(${JSON.stringify(path)}, encoding="utf-8").read())
values = [ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign) and n.targets[0].id == "CLASSES"]
print(json.dumps(values[0]))`
      const { stdout, stderr } = python(code)
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toEqual(classNames)
    }
  })

  test('has one class for cells that differ in numbers of channels only', () => {
    const classesIn = (i: number) =>
      [...pytorchModule(trained[i].deployment, 'w').matchAll(/^class (\w+)/gm)].map(([, name]) => name)
    const nb201 = classesIn(cases.findIndex(({ name }) => name.startsWith('NAS-Bench-201 cells with every')))
    // Three cells of one class; two residual blocks of another, with a shortcut each.
    expect(nb201.filter((name) => /^Cell/.test(name))).toHaveLength(2)
    expect(new Set(nb201).size).toBe(nb201.length)
  })
})
