"""The PyTorch side of the comparison: a weight and an architecture step of DARTS' search network.

    python darts_step.py CELLS CHANNELS SIZE BATCH SECONDS [THREADS|cuda] [compiled]

Four nodes in each cell, eight operations on each edge, normalisations without gamma and beta, as in the code of the
paper (quark0/darts). Prints lines as `search_step.py` does.
"""

import sys

import torch
import torch.nn.functional as F
from evaluation_step import FactorizedReduce, norm_conv
from search_step import in_mode, measure, prepare, search_steps
from torch import nn

NODES = 4
EDGES = 14


def separable(channels, kernel, stride, dilation=1):
    """ReLU, depthwise convolution, pointwise convolution, normalisation."""
    padding = dilation * (kernel // 2)
    spatial = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)
    return nn.Sequential(nn.ReLU(), spatial, nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))


class MixedOperation(nn.Module):
    """The weighted sum of the eight operations; none, the first, adds nothing."""

    def __init__(self, channels, stride):
        super().__init__()
        pools = nn.MaxPool2d(3, stride, 1), nn.AvgPool2d(3, stride, 1, count_include_pad=False)
        self.operations = nn.ModuleList(
            [
                *(nn.Sequential(pool, nn.BatchNorm2d(channels)) for pool in pools),
                nn.Identity() if stride == 1 else FactorizedReduce(channels, channels),
                *(nn.Sequential(separable(channels, k, stride), separable(channels, k, 1)) for k in (3, 5)),
                *(separable(channels, k, stride, 2) for k in (3, 5)),
            ]
        )

    def forward(self, x, weights):
        return sum(weight * operation(x) for weight, operation in zip(weights[1:], self.operations))


class SearchCell(nn.Module):
    def __init__(self, before_previous, previous, channels, reduction, after_reduction):
        super().__init__()
        first = FactorizedReduce if after_reduction else norm_conv
        self.preprocess = nn.ModuleList([first(before_previous, channels), norm_conv(previous, channels)])
        self.edges = nn.ModuleList(
            MixedOperation(channels, 2 if reduction and source < 2 else 1)
            for node in range(NODES)
            for source in range(2 + node)
        )

    def forward(self, before_previous, previous, weights):
        states, edge = [self.preprocess[0](before_previous), self.preprocess[1](previous)], 0
        for _ in range(NODES):
            total = 0
            for state in states:
                total = total + self.edges[edge](state, weights[edge])
                edge += 1
            states.append(total)
        return torch.cat(states[2:], 1)


class SearchNetwork(nn.Module):
    def __init__(self, cells, channels, classes=10):
        super().__init__()
        stem = 3 * channels
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem))
        before_previous, previous, after_reduction = stem, stem, False
        stages = []
        for index in range(cells):
            reduction = index in (cells // 3, 2 * cells // 3)
            channels *= 2 if reduction else 1
            stages.append(SearchCell(before_previous, previous, channels, reduction, after_reduction))
            before_previous, previous, after_reduction = previous, 4 * channels, reduction
        self.cells = nn.ModuleList(stages)
        self.reductions = [index in (cells // 3, 2 * cells // 3) for index in range(cells)]
        self.classifier = nn.Linear(previous, classes)
        for module in self.cells.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.affine, module.weight, module.bias = False, None, None
        self.alpha = nn.ParameterList(nn.Parameter(1e-3 * torch.randn(EDGES, 8)) for _ in range(2))

    def forward(self, x):
        normal, reduce = (F.softmax(alpha, dim=-1) for alpha in self.alpha)
        before_previous = previous = self.stem(x)
        for cell, reduction in zip(self.cells, self.reductions):
            before_previous, previous = previous, cell(before_previous, previous, reduce if reduction else normal)
        return self.classifier(previous.mean((2, 3)))


def main(cells, channels, size, batch, seconds, place="1", mode="eager"):
    device = prepare(place)
    network = SearchNetwork(cells, channels).to(device)
    forward = in_mode(network, mode)
    weights = [p for name, p in network.named_parameters() if not name.startswith("alpha")]
    sgd = torch.optim.SGD(weights, 0.025, momentum=0.9, weight_decay=3e-4)
    adam = torch.optim.Adam(network.alpha, 3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    measure(search_steps(forward, weights, sgd, adam, size, batch, device), device, seconds)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]), float(sys.argv[5]), *sys.argv[6:])
