"""The PyTorch side of the comparison: one weight step and one architecture step of the NAS-Bench-201 search network.

    python search_step.py CHANNELS CELLS SIZE BATCH SECONDS [THREADS|cuda] [compiled]

Prints one JSON line a step pair: wall and processor milliseconds of each step. Eager mode, or torch.compile with
`compiled`; float32: one thread of the processor or so many, or a GPU, where a line stands for the mean over ten steps of
each kind and one wait for them, the first ten of each are not counted, a line before says what it ran on and how, and the
last one gives the largest memory that PyTorch allocated on the GPU.
"""

import json
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

NODES = 4


class ReluConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, affine, track):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine, track_running_stats=track)

    def forward(self, x):
        return self.norm(self.conv(F.relu(x)))


class MixedEdge(nn.Module):
    """Operations none, skip_connect, nor_conv_1x1, nor_conv_3x3, avg_pool_3x3, weighted; none adds nothing."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = ReluConvNorm(channels, channels, 1, 1, False, True)
        self.conv3 = ReluConvNorm(channels, channels, 3, 1, False, True)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)

    def forward(self, x, weights):
        return weights[1] * x + weights[2] * self.conv1(x) + weights[3] * self.conv3(x) + weights[4] * self.pool(x)


class SearchCell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.edges = nn.ModuleList(MixedEdge(channels) for to in range(1, NODES) for _ in range(to))

    def forward(self, x, weights):
        nodes, edge = [x], 0
        for to in range(1, NODES):
            total = 0
            for source in range(to):
                total = total + self.edges[edge](nodes[source], weights[edge])
                edge += 1
            nodes.append(total)
        return nodes[-1]


class ResidualBlock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = ReluConvNorm(inputs, outputs, 3, 2, True, True)
        self.second = ReluConvNorm(outputs, outputs, 3, 1, True, True)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x, _):
        return self.second(self.first(x)) + self.shortcut(x)


class SearchNetwork(nn.Module):
    def __init__(self, channels, cells, classes=10):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
        stages = []
        for stage in range(3):
            if stage > 0:
                stages.append(ResidualBlock(channels, 2 * channels))
                channels *= 2
            stages.extend(SearchCell(channels) for _ in range(cells))
        self.cells = nn.ModuleList(stages)
        self.norm = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, classes)
        self.alpha = nn.Parameter(1e-3 * torch.randn(6, 5))

    def forward(self, x):
        weights = F.softmax(self.alpha, dim=-1)
        x = self.stem(x)
        for cell in self.cells:
            x = cell(x, weights)
        return self.classifier(F.relu(self.norm(x)).mean((2, 3)))


def search_steps(forward, weights, sgd, adam, size, batch, device):
    """A weight step and an architecture step of a search network, on random images."""
    images, labels = torch.randn(batch, 3, size, size).to(device), torch.randint(10, (batch,)).to(device)

    def weight_step():
        sgd.zero_grad()
        F.cross_entropy(forward(images), labels).backward()
        nn.utils.clip_grad_norm_(weights, 5)
        sgd.step()

    def architecture_step():
        adam.zero_grad()
        F.cross_entropy(forward(images), labels).backward()
        adam.step()

    return {"weights": weight_step, "architecture": architecture_step}


def main(channels, cells, size, batch, seconds, place="1", mode="eager"):
    device = prepare(place)
    network = SearchNetwork(channels, cells).to(device)
    forward = in_mode(network, mode)
    weights = [p for name, p in network.named_parameters() if name != "alpha"]
    sgd = torch.optim.SGD(weights, 0.025, momentum=0.9, nesterov=True, weight_decay=5e-4)
    adam = torch.optim.Adam([network.alpha], 3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    measure(search_steps(forward, weights, sgd, adam, size, batch, device), device, seconds)


def prepare(place):
    """The device of that name, or "cpu" with so many threads. On a GPU as its users run it, but in single precision."""
    torch.manual_seed(0)
    if place != "cuda":
        torch.set_num_threads(int(place))
        return "cpu"
    if not torch.cuda.is_available():
        sys.exit(f"torch {torch.__version__} finds no CUDA device")
    torch.set_num_threads(1)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    versions = f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
    print(json.dumps({"setting": f"{versions} on {torch.cuda.get_device_name()}; TF32 off, cudnn.benchmark on"}), flush=True)
    return "cuda"


def in_mode(network, mode):
    """Returns the network itself (mode "eager"), or what torch.compile makes of it (mode "compiled")."""
    if mode not in ("eager", "compiled"):
        sys.exit(f'mode "{mode}" is neither eager nor compiled')
    return torch.compile(network) if mode == "compiled" else network


def measure(steps, device, seconds):
    """Prints lines of all steps for so long, at least one."""
    if device == "cuda":
        for step in steps.values():
            timed(step, device)
    end = time.perf_counter() + seconds
    while True:
        print(json.dumps({name: timed(step, device) for name, step in steps.items()}), flush=True)
        if time.perf_counter() >= end:
            break
    if device == "cuda":
        print(json.dumps({"memoryBytes": torch.cuda.max_memory_allocated()}), flush=True)


def timed(step, device):
    """Of one step; on a GPU the mean of ten."""
    steps = 10 if device == "cuda" else 1
    wall, processor = time.perf_counter(), time.process_time()
    for _ in range(steps):
        step()
    if device == "cuda":
        torch.cuda.synchronize()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return {"wallMs": 1e3 * wall / steps, "cpuMs": 1e3 * processor / steps}


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]), float(sys.argv[5]), *sys.argv[6:])
