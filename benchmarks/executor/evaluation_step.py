"""The PyTorch side of the comparison: a training step of DARTS' evaluation network (DARTS_V2), with auxiliary head.

    python evaluation_step.py CELLS CHANNELS SIZE BATCH SECONDS [THREADS|cuda] [compiled]

Prints lines as `search_step.py` does. Drop path is left out on both sides: it costs next to nothing.
"""

import sys

import torch
import torch.nn.functional as F
from search_step import in_mode, measure, prepare
from torch import nn

NORMAL = [
    [("sep3", 0), ("sep3", 1)],
    [("sep3", 0), ("sep3", 1)],
    [("sep3", 1), ("skip", 0)],
    [("skip", 0), ("dil3", 2)],
]
REDUCE = [
    [("max", 0), ("max", 1)],
    [("skip", 2), ("max", 1)],
    [("max", 0), ("skip", 2)],
    [("skip", 2), ("max", 1)],
]


def norm_conv(inputs, outputs, kernel=1, stride=1, padding=0):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs))


def depthwise(channels, stride, dilation):
    spatial = nn.Conv2d(channels, channels, 3, stride, dilation, dilation, groups=channels, bias=False)
    return nn.Sequential(nn.ReLU(), spatial, nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))


class FactorizedReduce(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(inputs, outputs - outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = F.relu(x)
        return self.norm(torch.cat([self.first(x), self.second(x[:, :, 1:, 1:])], 1))


def operation(name, channels, stride):
    if name == "sep3":
        return nn.Sequential(depthwise(channels, stride, 1), depthwise(channels, 1, 1))
    if name == "dil3":
        return depthwise(channels, stride, 2)
    if name == "max":
        return nn.MaxPool2d(3, stride, 1)
    return FactorizedReduce(channels, channels) if stride == 2 else nn.Identity()


class Cell(nn.Module):
    def __init__(self, before_previous, previous, channels, reduction, after_reduction):
        super().__init__()
        first = FactorizedReduce if after_reduction else norm_conv
        self.preprocess = nn.ModuleList([first(before_previous, channels), norm_conv(previous, channels)])
        self.sources = [[source for _, source in node] for node in (REDUCE if reduction else NORMAL)]
        self.operations = nn.ModuleList(
            nn.ModuleList(operation(name, channels, 2 if reduction and source < 2 else 1) for name, source in node)
            for node in (REDUCE if reduction else NORMAL)
        )

    def forward(self, before_previous, previous):
        states = [self.preprocess[0](before_previous), self.preprocess[1](previous)]
        for operations, sources in zip(self.operations, self.sources):
            states.append(sum(operate(states[source]) for operate, source in zip(operations, sources)))
        return torch.cat(states[2:], 1)


class EvaluationNetwork(nn.Module):
    def __init__(self, cells, channels, classes=10):
        super().__init__()
        stem = 3 * channels
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
        before_previous, previous, after_reduction = stem, stem, False
        stages = []
        self.auxiliary_at = 2 * cells // 3
        for index in range(cells):
            reduction = index in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduction else 1
            stages.append(Cell(before_previous, previous, channels, reduction, after_reduction))
            before_previous, previous, after_reduction = previous, 4 * channels, reduction
            if index == self.auxiliary_at:
                self.auxiliary = nn.Sequential(
                    nn.ReLU(),
                    nn.AvgPool2d(5, 3, 0, count_include_pad=False),
                    nn.Conv2d(previous, 128, 1, bias=False),
                    nn.BatchNorm2d(128),
                    nn.ReLU(),
                    nn.Conv2d(128, 768, 2, bias=False),
                    nn.BatchNorm2d(768),
                    nn.ReLU(),
                    nn.Flatten(),
                    nn.Linear(768, classes),
                )
        self.cells = nn.ModuleList(stages)
        self.classifier = nn.Linear(previous, classes)

    def forward(self, x):
        before_previous = previous = self.stem(x)
        for index, cell in enumerate(self.cells):
            before_previous, previous = previous, cell(before_previous, previous)
            if index == self.auxiliary_at:
                auxiliary = self.auxiliary(previous)
        return self.classifier(previous.mean((2, 3))), auxiliary


def main(cells, channels, size, batch, seconds, place="1", mode="eager"):
    device = prepare(place)
    network = EvaluationNetwork(cells, channels).to(device)
    forward = in_mode(network, mode)
    sgd = torch.optim.SGD(network.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    images, labels = torch.randn(batch, 3, size, size).to(device), torch.randint(10, (batch,)).to(device)

    def step():
        sgd.zero_grad()
        logits, auxiliary = forward(images)
        (F.cross_entropy(logits, labels) + 0.4 * F.cross_entropy(auxiliary, labels)).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5)
        sgd.step()

    measure({"weights": step}, device, seconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]), float(sys.argv[5]), *sys.argv[6:])
