/**
 * The example of DARTS in PyTorch (`examples/external/darts_torch.py`). Runs where the interpreter `$PYTHON` (default:
 * python3) has PyTorch and NumPy, which from PyPI take 5 GB; elsewhere it is skipped.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { MAIN } from '../support/command.ts'
import { full } from '../support/full.ts'
import { temporaryFolder } from '../tables/temporaryFolder.ts'

// Loading PyTorch takes seconds, on machines that may be busy.
vi.setConfig({ testTimeout: 900_000 })

const ROOT = join(import.meta.dirname, '../..')
const PROGRAM = join(ROOT, 'examples/external/darts_torch.py')
const { PYTHON = 'python3' } = process.env
const hasTorch = spawnSync(PYTHON, ['-c', 'import torch, numpy']).status === 0
const folder = temporaryFolder()

const python = (code: string) =>
  spawnSync(PYTHON, ['-c', code], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: [join(ROOT, 'python'), join(ROOT, 'examples/external')].join(':') },
  })

/** Loads golden weights into the example's network, whose edges share convolutions. Prints what differs from them. */
const GOLDEN = `
import gzip, json, math
from types import SimpleNamespace
import torch
import nas_bench_client as bench
bench.run = lambda *_, **__: None
import darts_torch

golden = json.load(gzip.open(${JSON.stringify(join(ROOT, 'test/fixtures/golden/nb201_supernet.json.gz'))}))
torch.set_default_dtype(torch.float64)

def tensor(spec):
    values = []
    for i in range(math.prod(spec["shape"])):
        x = 43758.5453123 * math.sin(12.9898 * (i + 1) + 78.233 * spec["seed"])
        values.append(spec["offset"] + spec["scale"] * (2 * (x - math.floor(x)) - 1))
    return torch.tensor(values).view(spec["shape"])

edges = [bench.Edge("cell", int(name[0]), int(name[3]), tuple(golden["ops"])) for name in golden["edges"]]
cases = [case for case in golden["cases"] if case["k"] == 1]
for case in cases:
    settings = {"network": {"channels": case["C"], "depth": case["N"], "affine": False}}
    task = SimpleNamespace(settings=settings, space=SimpleNamespace(edges=edges))
    network = darts_torch.make_supernet(task, case["classes"])
    known = {spec["name"]: tensor(spec) for spec in case["params"]}
    used = set()

    def load(parameter, *names):
        used.update(names)
        parameter.data.copy_(torch.cat([known[name] for name in names]))

    def load_bn(module, name):
        load(module.weight, f"{name}.weight")
        load(module.bias, f"{name}.bias")

    load(network.stem[0].weight, "stem.conv.weight")
    load_bn(network.stem[1], "stem.bn")
    for i, block in enumerate(network.blocks):
        if hasattr(block, "convs"):
            for sequence, name in zip(block.convs, ("conv_a", "conv_b")):
                load(sequence[1].weight, f"cell{i}.{name}.conv.weight")
                load_bn(sequence[2], f"cell{i}.{name}.bn")
            load(block.shortcut[1].weight, f"cell{i}.downsample.conv.weight")
        else:
            for modules, name in ((block.one, "nor_conv_1x1"), (block.three, "nor_conv_3x3")):
                for node, module in enumerate(modules):
                    load(module[0].weight, *(f"cell{i}.edge{node}-{end}.{name}.conv.weight" for end in range(node + 1, 4)))
    load_bn(network.head[0], "lastact.bn")
    load(network.classifier.weight, "classifier.weight")
    load(network.classifier.bias, "classifier.bias")
    assert used == set(known), set(known) - used

    alpha = tensor(case["alpha"]).requires_grad_()
    logits = network(tensor(case["input"]), alpha.softmax(1))
    loss = torch.nn.functional.cross_entropy(logits, torch.tensor(case["labels"]))
    loss.backward()
    gradients = alpha.grad - torch.tensor(case["grad_alpha"])
    print(case["id"], abs(loss.item() - case["loss"]) < 1e-9, gradients.abs().max().item() < 1e-9)
print(len(cases), "cases")
`

test.skipIf(!hasTorch)('its network and its gradient are those of the golden figures (skipped without PyTorch)', () => {
  const { status, stdout, stderr } = python(GOLDEN)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout.trim().split('\n').at(-1)).toMatch(/^[1-9]\d* cases$/)
  expect(stdout).not.toContain('False')
})

// Starts PyTorch a dozen times.
test.skipIf(!hasTorch || !full)('it keeps the contract of programs (skipped without PyTorch)', () => {
  writeFileSync(join(folder, 'darts.yaml'), `program: ${PROGRAM}\npython: ${PYTHON}\n`)
  const env = { ...process.env, NAS_BENCH_HOME: join(folder, 'home') }
  const args = [MAIN, 'check', 'plugin', './darts.yaml', '--quiet']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, env, encoding: 'utf8' })
  expect({ status, stdout: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, stdout: '' })
})
