"""Follows ten recorded weight steps of a search on NAS-Bench-201 or the DARTS space in PyTorch and float64, written from the papers'
equations and not from this repository's code: network, SGD, Adam, and each method's own part. `record.ts` calls it.
Exits with status 1 if an architecture parameter differs by 1e-5 or more after any step.

With --trace it follows the steps a second time with the network in float32, α and Adam in float64 as in the program, and
prints how far the two precisions are apart after each step, and how many decisions they take differently in it: which
inputs a ReLU lets through, which one a max pooling takes, and the signs of SDARTS-ADV's gradient. Only steps before the
first of these count then for the exit status, so that any seed and any rates can be checked."""
import json
import math
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def numbers(values):
    return torch.tensor(values, dtype=torch.float64)


decisions = []
"""All that ReLUs, max poolings and signs decided in the present step."""


def relu(x):
    decisions.append((x > 0).flatten())
    return F.relu(x)


def max_pool(x, stride):
    y, taken = F.max_pool2d(x, 3, stride, 1, return_indices=True)
    decisions.append(taken.flatten())
    return y


NONE, SKIP, CONV1, CONV3, POOL = range(5)
EDGES = [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
OPERATIONS = {CONV1: "nor_conv_1x1", CONV3: "nor_conv_3x3"}


def load(tensor, precision):
    """Filters are recorded as [height, width, in, out], depthwise ones as [height, width, channels]; linear weights as
    [in, out]."""
    value = numbers(tensor["values"]).to(precision).reshape(tensor["shape"])
    if value.dim() == 4:
        value = value.permute(3, 2, 0, 1)
    elif value.dim() == 3:
        value = value.permute(2, 0, 1).unsqueeze(1)
    elif tensor["name"] == "classifier.weight":
        value = value.t()
    return value.contiguous().requires_grad_(True)


class Network:
    """The search network of NAS-Bench-201, with three cells, or as many of the DARTS space (DartsNetwork)."""

    def __init__(self, record, precision):
        self.operations, self.precision = record["operations"], precision
        self.w = {tensor["name"]: load(tensor, precision) for tensor in record["tensors"]}
        self.statistics = {}
        self.training = True

    def norm(self, x, name):
        if name not in self.statistics:
            self.statistics[name] = (torch.zeros_like(x[0, :, 0, 0]), torch.ones_like(x[0, :, 0, 0]))
        mean, variance = self.statistics[name]
        scale, shift = self.w.get(f"{name}.weight"), self.w.get(f"{name}.bias")
        return F.batch_norm(x, mean, variance, scale, shift, self.training, 0.1, 1e-5)

    def convolved(self, x, name, stride=1):
        filters = self.w[f"{name}.conv.weight"]
        y = F.conv2d(relu(x), filters, stride=stride, padding=filters.shape[2] // 2)
        return self.norm(y, f"{name}.bn")

    def operation(self, x, op, name):
        if op == NONE:
            return torch.zeros_like(x)
        if op == SKIP:
            return x
        if op == POOL:
            return F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)
        return self.convolved(x, f"{name}.{OPERATIONS[op]}")

    def cell(self, x, theta, name, beta):
        nodes = [x, 0, 0, 0]
        for edge, (source, target) in enumerate(EDGES):
            input = nodes[source]
            for op in range(5):
                nodes[target] = nodes[target] + theta[edge, op] * self.operation(input, op, f"{name}.edge{source}-{target}")
            nodes[target] = nodes[target] + beta * input
        return nodes[3]

    def block(self, x, name):
        y = self.convolved(self.convolved(x, f"{name}.conv_a", 2), f"{name}.conv_b")
        return y + F.conv2d(F.avg_pool2d(x, 2, 2), self.w[f"{name}.downsample.conv.weight"])

    def loss(self, batch, cells, beta=0.0):
        """cells: mixing weights of each of the three cells."""
        batch, cells = self.cast(batch, cells)
        x = self.norm(F.conv2d(batch[0], self.w["stem.conv.weight"], padding=1), "stem.bn")
        for stage in range(3):
            if stage > 0:
                x = self.block(x, f"cell{2 * stage - 1}")
            x = self.cell(x, cells[stage], f"cell{2 * stage}", beta)
        x = relu(self.norm(x, "lastact.bn")).mean((2, 3))
        return F.cross_entropy(F.linear(x, self.w["classifier.weight"], self.w["classifier.bias"]), batch[1])

    def cast(self, batch, cells):
        return (batch[0].to(self.precision), batch[1]), [theta.to(self.precision) for theta in cells]

    def cells(self, theta):
        return [theta] * 3

    def weight_gradient(self, loss, retain=False):
        names = list(self.w)
        found = torch.autograd.grad(loss, [self.w[name] for name in names], retain_graph=retain, allow_unused=True)
        return {n: torch.zeros_like(self.w[n]) if g is None else g.detach() for n, g in zip(names, found)}


class DartsNetwork(Network):
    """One normal and two reduction cells of the DARTS space; every cell has mixing weights of its own."""

    def cells(self, theta):
        return theta.split(14)

    def pointwise(self, x, name, norm=None, stride=1):
        y = F.conv2d(x, self.w[f"{name}.weight"], stride=stride)
        return y if norm is None else self.norm(y, norm)

    def depthwise(self, x, name, stride, dilation):
        filters = self.w[f"{name}.weight"]
        padding = dilation * (filters.shape[2] // 2)
        return F.conv2d(relu(x), filters, stride=stride, padding=padding, dilation=dilation, groups=x.shape[1])

    def halved(self, x, name):
        """Factorised reduce: half of the channels sees the even rows and columns, half the odd ones."""
        x = relu(x)
        parts = [self.pointwise(x, f"{name}.conv_1", stride=2), self.pointwise(x[:, :, 1:, 1:], f"{name}.conv_2", stride=2)]
        return self.norm(torch.cat(parts, 1), f"{name}.bn")

    def operation(self, x, op, name, stride):
        name = f"{name}.{op}"
        if op == "max_pool_3x3":
            return self.norm(max_pool(x, stride), name)
        if op == "avg_pool_3x3":
            return self.norm(F.avg_pool2d(x, 3, stride, 1, count_include_pad=False), name)
        if op == "skip_connect":
            return x if stride == 1 else self.halved(x, name)
        if op.startswith("dil_conv"):
            return self.pointwise(self.depthwise(x, f"{name}.dw", stride, 2), f"{name}.pw", f"{name}.bn")
        for i, step in ((1, stride), (2, 1)):
            x = self.pointwise(self.depthwise(x, f"{name}.dw{i}", step, 1), f"{name}.pw{i}", f"{name}.bn{i}")
        return x

    def cell(self, inputs, theta, name, reduces, after_reduction):
        first = f"{name}.preprocess0"
        nodes = [
            self.halved(inputs[0], first)
            if after_reduction
            else self.pointwise(relu(inputs[0]), f"{first}.conv", f"{first}.bn"),
            self.pointwise(relu(inputs[1]), f"{name}.preprocess1.conv", f"{name}.preprocess1.bn"),
        ]
        rows = iter(theta)
        for target in range(2, 6):
            total = 0
            for source in range(target):
                row, stride = next(rows), 2 if reduces and source < 2 else 1
                for weight, op in zip(row, self.operations):
                    total = total + weight * self.operation(nodes[source], op, f"{name}.edge{source}-{target}", stride)
            nodes.append(total)
        return torch.cat(nodes[2:], 1)

    def loss(self, batch, cells, beta=0.0):
        batch, cells = self.cast(batch, cells)
        stem = self.norm(F.conv2d(batch[0], self.w["stem.conv.weight"], padding=1), "stem.bn")
        outputs = [stem, stem]
        for i, theta in enumerate(cells):
            outputs.append(self.cell(outputs[-2:], theta, f"cell{i}", reduces=i > 0, after_reduction=i > 1))
        x = outputs[-1].mean((2, 3))
        return F.cross_entropy(F.linear(x, self.w["classifier.weight"], self.w["classifier.bias"]), batch[1])


def d_darts_gradient(network, batch, alpha, draws, options):
    """Of each cell's own loss wrt its own α: validation loss, zero-one loss, and how far the cell's contribution M, the
    loss with it minus the loss with drawn mixing weights in its place, is below the mean over the cells."""
    own = [part.clone().detach().requires_grad_(True) for part in network.cells(alpha)]
    cells = [torch.sigmoid(part) for part in own]
    whole = network.loss(batch, cells)
    without = [network.loss(batch, [numbers(draws[i]) if j == i else c for j, c in enumerate(cells)]) for i in range(len(own))]
    contributions = [whole - loss for loss in without]
    mean = sum(contributions) / len(own)
    gradients = []
    for part, theta, contribution in zip(own, cells, contributions):
        zero_one = -((theta - 0.5) ** 2).mean()
        loss = whole + options["zeroOne"] * zero_one + options["ablation"] * (mean - contribution) / mean
        gradients += torch.autograd.grad(loss, part, retain_graph=True)
    return torch.cat(gradients)


class Sgd:
    def __init__(self, settings):
        self.settings, self.buffers = settings, {}

    def clipping(self, gradients, moving):
        """Factor by which clipping shortens the gradients of the weights that move"""
        norm = torch.sqrt(sum((gradients[name] ** 2).sum() for name in moving))
        return min(1.0, self.settings["clipNorm"] / (norm.item() + 1e-6))

    def step(self, w, gradients, rate, frozen=()):
        moving = [name for name in w if name not in frozen]
        factor = self.clipping(gradients, moving)
        with torch.no_grad():
            for name in moving:
                g = gradients[name] * factor + self.settings["weightDecay"] * w[name]
                buffer = self.buffers.get(name)
                buffer = g if buffer is None else self.settings["momentum"] * buffer + g
                self.buffers[name] = buffer
                w[name] -= rate * buffer


class Adam:
    def __init__(self, settings, like):
        self.settings, self.steps = settings, 0
        self.mean, self.square = torch.zeros_like(like), torch.zeros_like(like)

    def step(self, alpha, gradient):
        self.steps += 1
        b1, b2 = self.settings["adamBetas"]
        g = gradient + self.settings["weightDecay"] * alpha
        self.mean = b1 * self.mean + (1 - b1) * g
        self.square = b2 * self.square + (1 - b2) * g**2
        mean, square = self.mean / (1 - b1**self.steps), self.square / (1 - b2**self.steps)
        return alpha - self.settings["learningRate"] * mean / (square.sqrt() + self.settings["epsilon"])


def batch_of(recorded, shape):
    images = numbers(recorded["images"]).reshape(-1, shape["height"], shape["width"], shape["channels"])
    return images.permute(0, 3, 1, 2), torch.tensor(recorded["labels"])


def simplex(theta):
    cut = theta.clamp(0, 1)
    for row, original in zip(cut, theta):
        if row.sum() == 0:
            row[original.argmax()] = 1
    return cut / cut.sum(-1, keepdim=True)


def attacked(network, batch, theta, epsilon, steps, uniforms):
    """SDARTS-ADV: projected gradient ascent on the mixing weights, in evaluation mode."""
    network.training = False
    before = network.loss(batch, [theta] * 3).item()
    worst = simplex(theta + epsilon * (2 * uniforms - 1))
    for _ in range(steps):
        point = worst.clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(network.loss(batch, [point] * 3), point)
        decisions.append((gradient > 0).flatten())
        moved = worst + 2 * epsilon / steps * gradient.sign()
        worst = simplex(theta + (moved - theta).clamp(-epsilon, epsilon))
    after = network.loss(batch, [worst] * 3).item()
    network.training = True
    return theta if after < before else worst


def penalty(method, options, alpha, fraction):
    """β-DARTS' mean of logsumexp, growing with the fraction of the epochs; the zero-one loss of Fair-DARTS."""
    if method == "beta-darts":
        return options["lambda"] * fraction * torch.logsumexp(alpha, -1).mean()
    if method == "fair-darts":
        return -options["zeroOne"] * ((torch.sigmoid(alpha) - 0.5) ** 2).mean()
    return 0.0


def largest(alpha):
    """NASP's proximal step on NAS-Bench-201: one-hot at the largest α of each edge, with the gradient passed to α."""
    return F.one_hot(alpha.argmax(-1), alpha.shape[-1]).to(alpha.dtype) + alpha - alpha.detach()


MIXES = {"fair-darts": torch.sigmoid, "d-darts": torch.sigmoid, "gaea": lambda alpha: alpha, "nasp": largest}


def matching(a, b):
    """OLES: cosine of two gradients of a filter [out, in, h, w] along its output channels, mean over positions."""
    return F.cosine_similarity(a, b, dim=0).mean().item()


def follow(record, precision=torch.float64, from_program=False):
    """from_program: each step starts at the program's own weights and α. → after each step: α, number of frozen filters,
    and the decisions of the step"""
    method, options = record["method"], record["options"]
    network = (DartsNetwork if record["space"].startswith("darts") else Network)(record, precision)
    sgd = Sgd(record["sgd"])
    alpha = numbers(record["alpha"])
    adam = Adam(record["adam"], alpha)
    mix = MIXES.get(method, lambda a: torch.softmax(a, -1))
    operations = [name for name in network.w if ".edge" in name]
    trained, sums, seen, frozen = None, {}, 0, set()
    total = len(record["steps"])
    rate = record["adam"]["learningRate"]
    for e, step in enumerate(record["steps"]):
        decisions.clear()
        if from_program and e > 0:
            alpha = numbers(record["found"][e - 1])
            network.w = {tensor["name"]: load(tensor, precision) for tensor in record["weights"][e - 1]}
        train, valid = (batch_of(step[half], record["shape"]) for half in ("weights", "architecture"))
        beta = options["beta"] * (1 - e / total) if method == "darts-minus" else 0.0

        point = alpha.clone().requires_grad_(True)
        if method != "d-darts":
            loss = network.loss(valid, [mix(point)] * 3, beta) + penalty(method, options, point, e / total)
        if method == "oles":
            now = network.weight_gradient(loss, retain=True)
            if trained is not None:
                seen += 1
                for name in operations:
                    compared = now[name] + trained[name] if options["compared"] == "sum" else now[name]
                    sums[name] = sums.get(name, 0.0) + matching(compared, trained[name])
                if seen == options["window"]:
                    frozen |= {name for name in operations if sums[name] / seen < options["threshold"]}
                    sums, seen = {}, 0
        if method == "d-darts":
            gradient = d_darts_gradient(network, valid, alpha, step["ablated"], options)
            # The rate of α falls on a cosine to a third.
            adam.settings["learningRate"] = rate * (2 + math.cos(math.pi * e / total)) / 3
        else:
            (gradient,) = torch.autograd.grad(loss, point)
        if method == "gaea":
            alpha = (alpha * torch.exp(-options["rate"] * gradient)).clamp(min=1e-5)
            alpha = alpha / alpha.sum(-1, keepdim=True)
        else:
            alpha = adam.step(alpha, gradient)
        if method == "nasp":
            alpha = alpha.clamp(0, 1)

        theta = mix(alpha)
        if method in ("sdarts-adv", "sdarts-rs"):
            epsilon = options["epsilonMin"] + (options["epsilon"] - options["epsilonMin"]) * e / total
            uniforms = numbers(step["uniforms"])
            if method == "sdarts-adv":
                theta = attacked(network, train, theta, epsilon, options["steps"], uniforms)
            else:
                theta = simplex(theta + epsilon * (2 * uniforms - 1))
        cells = [part.clone().requires_grad_(True) for part in network.cells(theta)]
        loss = network.loss(train, cells, beta)
        gradients = network.weight_gradient(loss, retain=True)
        if method == "lambda-darts":
            own = [g.clone().requires_grad_(True) for g in torch.autograd.grad(loss, cells)]
            harmony = sum(F.cosine_similarity(own[i].flatten(), own[j].flatten(), dim=0) for i, j in ((0, 1), (0, 2), (1, 2))) / 3
            directions = torch.autograd.grad(harmony, own)
            step_size = options["epsilon"] / torch.sqrt(sum((d**2).sum() for d in directions))
            sides = []
            for sign in (1, -1):
                moved = [c.detach() + sign * step_size * d for c, d in zip(cells, directions)]
                sides.append(network.weight_gradient(network.loss(train, moved)))
            factor = options["lambda"] * e / (total - 1) / (2 * step_size)
            gradients = {n: g - factor * (sides[0][n] - sides[1][n]) for n, g in gradients.items()}
        factor = sgd.clipping(gradients, [name for name in gradients if name not in frozen])
        trained = {name: factor * g for name, g in gradients.items()}
        sgd.step(network.w, gradients, step["learningRate"], frozen)
        yield alpha, len(frozen), torch.cat(decisions)


def trace(record):
    """Prints for each step: how far α is from the reference in float64, of the program and of the reference in float32;
    how far the program's α is from that of a float64 step from the program's own weights and α; and in how many decisions
    of the step float32, and float64 at the program's weights, differ from the reference. → the largest difference of the
    program before the first step with another decision"""
    print("  step     program   float32  one step      decisions: float32   program's weights         of")
    runs = zip(follow(record), follow(record, torch.float32), follow(record, from_program=True))
    worst, alike = 0.0, True
    for step, (found, ((alpha, _, all_), (single, _, rounded), (own, _, moved))) in enumerate(zip(record["found"], runs)):
        found = numbers(found)
        apart = [(a - b).abs().max().item() for a, b in ((alpha, found), (alpha, single), (own, found))]
        differing = [(all_ != other).sum().item() for other in (rounded, moved)]
        alike = alike and differing == [0, 0]
        worst = max(worst, apart[0]) if alike else worst
        print("  {:4d}   {:9.1e} {:9.1e} {:9.1e} {:23d} {:19d} {:10d}".format(step, *apart, *differing, len(all_)))
    return worst


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        record = json.load(file)
    worst, moved, frozen, counted = 0.0, 0.0, 0, 0
    start = numbers(record["alpha"])
    for (alpha, frozen, _), found, counted in zip(follow(record), record["found"], record["frozen"]):
        found = numbers(found)
        worst = max(worst, (alpha - found).abs().max().item())
        moved = (alpha - start).abs().max().item()
    note = f"; {frozen} filters frozen here, {counted} there" if record["method"] == "oles" else ""
    print(f"{record['method']}: largest difference {worst:.1e} in {len(record['found'])} steps; α moved by {moved:.2g}{note}")
    if "--trace" in sys.argv:
        worst = trace(record)
    return worst >= 1e-5 or frozen != counted


if __name__ == "__main__":
    sys.exit(main())
