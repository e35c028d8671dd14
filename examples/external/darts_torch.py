"""DARTS, first order (Liu et al., ICLR 2019), on NAS-Bench-201, in PyTorch: a gradient method of its own.

    pip install torch numpy
    bench run --algo ./darts_torch.py,darts-v1 --dataset cifar10 --protocol laptop --seeds 4

Written from the equations: every edge computes all its operations and mixes them by softmax(alpha) (eq. 2); alpha
descends the validation loss at the current weights, the weights descend the training loss (algorithm 1 with xi = 0).
"""

import math
from pathlib import Path
from types import SimpleNamespace

import nas_bench_client as bench

NODES = 4  # of a cell: its input, two inner nodes, its output


def search(task: bench.Task) -> None:
    import torch  # here, so that asking this program for its declaration does not load it

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(task.device.threads or 1)
    torch.manual_seed(task.seed)  # the initial weights and alpha
    settings = task.settings
    w, a, data = settings["weights"], settings["architecture"], settings["data"]
    others = [data["cutout"] > 0, data["trainPortion"] != 0.5, "sampling" in data, "warmUp" in w, "halfPeriod" in w]
    if any(others):
        raise ValueError("this example has equal halves, no cutout, no balanced sampling and one cosine")
    weight_half, architecture_half = halves(task, device)

    network = make_supernet(task, weight_half.classes).to(device)
    edges, operations = len(task.space.edges), len(task.space.edges[0].operations)
    alpha = (1e-3 * torch.randn(edges, operations)).to(device).requires_grad_()
    weight_optimiser = torch.optim.SGD(
        network.parameters(), w["learningRate"], w["momentum"], weight_decay=w["weightDecay"], nesterov=w["nesterov"]
    )
    architecture_optimiser = torch.optim.Adam(
        [alpha], a["learningRate"], tuple(a["adamBetas"]), a["epsilon"], a["weightDecay"]
    )
    parts = {"network": network, "weights": weight_optimiser, "architecture": architecture_optimiser}
    if task.restored:
        state = torch.load(task.restored / "search.pt", map_location=device)
        for name, part in parts.items():
            part.load_state_dict(state[name])
        alpha.data.copy_(state["alpha"])

    def save(folder: Path) -> None:
        state = {name: part.state_dict() for name, part in parts.items()}
        torch.save({"alpha": alpha.detach(), **state}, folder / "search.pt")

    def architecture_step(images, labels, tally) -> None:
        loss = tally(network(images, alpha.softmax(1)), labels)
        (alpha.grad,) = torch.autograd.grad(loss, [alpha])
        architecture_optimiser.step()

    def weight_step(images, labels, tally) -> None:
        weight_optimiser.zero_grad()
        tally(network(images, alpha.detach().softmax(1)), labels).backward()
        if w["clipNorm"] is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), w["clipNorm"])
        weight_optimiser.step()

    for epoch in range(task.first_epoch, task.epochs):
        for group in weight_optimiser.param_groups:
            group["lr"] = cosine(epoch, task.epochs, w["learningRate"], w["learningRateMin"])
        train, valid = Tally(), Tally()
        # Each epoch has random numbers of its own, so a resumed search draws the same ones.
        batches = weight_half.batches(task.seed, epoch, 0), architecture_half.batches(task.seed, epoch, 1)
        for weight_batch, architecture_batch in zip(*batches):
            if settings["stepOrder"] == "architecture-first":
                architecture_step(*architecture_batch, valid)
                weight_step(*weight_batch, train)
            else:
                weight_step(*weight_batch, train)
                architecture_step(*architecture_batch, valid)
        task.report(
            epoch,
            {"theta": alpha.detach().softmax(1)},
            train_loss=train.loss,
            train_accuracy=train.accuracy,
            valid_loss=valid.loss,
            valid_accuracy=valid.accuracy,
            alpha=alpha.detach(),
            save=save,
        )


def cosine(epoch: int, epochs: int, most: float, least: float) -> float:
    """Returns the learning rate of an epoch: from `most` down to `least` on half a cosine."""
    return least + (most - least) * (1 + math.cos(math.pi * epoch / epochs)) / 2


class Tally:
    """Mean cross-entropy and accuracy in % over the batches of an epoch."""

    def __init__(self) -> None:
        self.samples, self.losses, self.correct = 0, 0.0, 0.0

    def __call__(self, logits, labels):
        """Returns the mean cross-entropy of a batch, and counts it."""
        from torch.nn.functional import cross_entropy

        loss = cross_entropy(logits, labels)
        self.samples += len(labels)
        self.losses += loss.item() * len(labels)
        self.correct += (logits.argmax(1) == labels).sum().item()
        return loss

    @property
    def loss(self) -> float:
        return self.losses / self.samples

    @property
    def accuracy(self) -> float:
        return 100 * self.correct / self.samples


def halves(task: bench.Task, device: str):
    """Returns the weight half and the architecture half, each with a method that gives the batches of an epoch."""
    import numpy
    import torch

    images = task.images()
    size, data = task.settings["batchSize"], task.settings["data"]
    pad = data["cropPadding"]
    mean, std = (torch.tensor(values, device=device).view(-1, 1, 1) for values in (images.mean, images.std))

    def half(files: bench.ImageFiles):
        pixels = torch.from_numpy(numpy.load(files.images)).permute(0, 3, 1, 2).to(device)  # [number, channel, y, x]
        labels = torch.from_numpy(numpy.load(files.labels)).long().to(device)
        number, channels, side, _ = pixels.shape
        black = torch.nn.functional.pad(pixels, (pad, pad, pad, pad))

        def batches(seed: int, epoch: int, stream: int):
            """Yields an epoch's batches: shuffled, cropped from black padding, mirrored, normalised."""
            rng = torch.Generator().manual_seed((seed * 100_000 + epoch) * 2 + stream)
            for rows in torch.randperm(number, generator=rng).split(size):
                top, left = torch.randint(2 * pad + 1, (2, len(rows), 1), generator=rng)
                across = torch.arange(side).expand(len(rows), side)
                if data["flip"]:
                    across = torch.where(torch.rand(len(rows), 1, generator=rng) < 0.5, across.flip(1), across)
                y, x = (top + torch.arange(side)).to(device), (left + across).to(device)
                rows = rows.to(device)
                cropped = black[
                    rows[:, None, None, None],
                    torch.arange(channels, device=device)[:, None, None],
                    y[:, None, :, None],
                    x[:, None, None, :],
                ]
                yield ((cropped / 255 - mean) / std).contiguous(memory_format=torch.channels_last), labels[rows]

        return SimpleNamespace(batches=batches, classes=images.classes)

    return half(images.weights), half(images.architecture)


def make_supernet(task: bench.Task, classes: int):
    """Returns the search network of NAS-Bench-201: a module of (images, mixing weights [edge][operation]) → logits."""
    import torch
    from torch import nn
    from torch.nn.functional import relu

    settings = task.settings["network"]
    channels, depth = settings["channels"], settings["depth"]
    number = {(edge.start, edge.end): index for index, edge in enumerate(task.space.edges)}
    names = task.space.edges[0].operations
    skip, conv1, conv3, pool = (
        names.index(name) for name in ("skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
    )

    def averages(size: int, like):
        """Returns the matrix that averages each of `size` pixels in a line with its neighbours."""
        near = (torch.arange(size)[:, None] - torch.arange(size)).abs() <= 1
        return (near / near.sum(1, keepdim=True)).to(like)

    class Cell(nn.Module):
        """A cell of mixed operations; all edges that leave a node share a convolution with their outputs as channels."""

        def __init__(self, width: int) -> None:
            super().__init__()

            def convolutions(kernel: int) -> nn.ModuleList:
                return nn.ModuleList(
                    nn.Sequential(
                        nn.Conv2d(width, width * (NODES - 1 - node), kernel, padding=kernel // 2, bias=False),
                        nn.BatchNorm2d(width * (NODES - 1 - node), affine=settings["affine"]),
                    )
                    for node in range(NODES - 1)
                )

            self.one, self.three = convolutions(1), convolutions(3)

        def forward(self, x, theta):
            nodes = [x, 0, 0, 0]
            for node in range(NODES - 1):
                ends = range(node + 1, NODES)
                x = nodes[node]
                active = relu(x)
                ones, threes = (module[node](active).split(x.shape[1], 1) for module in (self.one, self.three))
                rows = averages(x.shape[2], x)
                pooled = rows @ x @ rows.T  # average pooling of 3×3; `avg_pool2d` takes four times as long on a CPU
                for end, one, three in zip(ends, ones, threes):
                    mix = theta[number[node, end]]  # `none` adds nothing
                    nodes[end] = nodes[end] + mix[skip] * x + mix[conv1] * one + mix[conv3] * three + mix[pool] * pooled
            return nodes[-1]

    def relu_conv_bn(inputs: int, outputs: int, stride: int) -> nn.Sequential:
        conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs))

    class Reduction(nn.Module):
        """The residual block between two stages, which halves height and width."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.convs = nn.Sequential(relu_conv_bn(width, 2 * width, 2), relu_conv_bn(2 * width, 2 * width, 1))
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(width, 2 * width, 1, bias=False))

        def forward(self, x, _theta):
            return self.convs(x) + self.shortcut(x)

    class Supernet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))
            stages = [[Cell(scale * channels) for _ in range(depth)] for scale in (1, 2, 4)]
            blocks = [*stages[0], Reduction(channels), *stages[1], Reduction(2 * channels), *stages[2]]
            self.blocks = nn.ModuleList(blocks)
            self.head = nn.Sequential(nn.BatchNorm2d(4 * channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
            self.classifier = nn.Linear(4 * channels, classes)

        def forward(self, images, theta):
            x = self.stem(images)
            for block in self.blocks:
                x = block(x, theta)
            return self.classifier(self.head(x))

    return Supernet().to(memory_format=torch.channels_last)  # fast with few channels


bench.run(
    search,
    name="torch-darts",
    version=1,
    kind="gradient",
    spaces=["nb201"],
    saves=True,
    files=[],  # this file alone identifies runs
    source="Liu et al., \"DARTS: Differentiable Architecture Search\", ICLR 2019",
)
