"""The same questions to nats_bench (pip install nats_bench numpy), one at a time, each in a fresh process.

    python nats_bench_lookup.py FOLDER open|scan|rea COUNT

FOLDER is a release in the official form. Prints one JSON line: seconds of the work itself, and peak memory.
"""
import json
import random
import resource
import sys
import time

folder, task, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
began = time.perf_counter()
from nats_bench import create  # its import is part of opening

api = create(folder, "tss", fast_mode=True, verbose=False)


def first():
    return api.get_more_info(0, "cifar100", hp="200", is_random=False)["test-accuracy"]


def scan():
    for index in range(count):
        for dataset in ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120"):
            api.get_more_info(index, dataset, hp="200", is_random=False)


OPS = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]


def text(ops):
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*ops)


def rea(seed):
    """Regularised evolution: population 10, sample 3, 20,000 simulated seconds on CIFAR-10."""
    generator = random.Random(seed)
    used, queries, population = 0.0, 0, []

    def ask(ops):
        nonlocal used, queries
        accuracy, _, cost, _ = api.simulate_train_eval(text(ops), "cifar10", hp="12")
        used, queries = used + cost, queries + 1
        population.append((accuracy, ops))

    while used < 20_000:
        if len(population) < 10:
            ask([generator.choice(OPS) for _ in range(6)])
            continue
        parent = max(generator.sample(population, 3))[1]
        child = list(parent)
        edge = generator.randrange(6)
        child[edge] = generator.choice([op for op in OPS if op != parent[edge]])
        ask(child)
        population.pop(0)
    return queries


opened = time.perf_counter()
result = first()
answered = time.perf_counter()
queries = None
if task == "scan":
    scan()
if task == "rea":
    queries = sum(rea(seed) for seed in range(count))
ended = time.perf_counter()
print(
    json.dumps(
        {
            "open_seconds": answered - began,
            "task_seconds": ended - answered,
            "queries": queries,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
)
