"""The same questions to nats_bench (pip install nats_bench numpy), one at a time, each in a fresh process.

    python nats_bench_lookup.py FOLDER open|scan|again|rea COUNT SECONDS

FOLDER is a release in the official form. `again` asks what a search asks of one architecture; `rea` makes at most COUNT searches, and begins none after SECONDS. Prints one
JSON line: seconds of the work itself, of each search, and peak memory.
"""
import json
import random
import re
import sys
import time

folder, task, count, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
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
    """Regularised evolution: population 10, sample 3, 20,000 simulated seconds on CIFAR-10. Returns its queries."""
    generator = random.Random(seed)
    used, queries, population = 0.0, 0, []
    while True:
        if len(population) < 10:
            ops = [generator.choice(OPS) for _ in range(6)]
        else:
            parent = max(generator.choice(population) for _ in range(3))[1]
            ops = list(parent)
            edge = generator.randrange(6)
            ops[edge] = generator.choice([op for op in OPS if op != parent[edge]])
        accuracy, _, cost, _ = api.simulate_train_eval(text(ops), "cifar10", hp="12")
        if used + cost > 20_000:
            return queries
        used, queries = used + cost, queries + 1
        if len(population) == 10:
            population.pop(0)
        population.append((accuracy, ops))


def peak_mb():
    """Of this program: the process's own count begins with what its parent had when it forked."""
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\s*(\d+) kB", status.read())[1]) / 1024


result = first()
answered = time.perf_counter()
searches = []
if task == "scan":
    scan()
if task == "again":
    arch = api.arch(0)
    api.simulate_train_eval(arch, "cifar10", hp="12")
    started = time.perf_counter()
    for _ in range(count):
        api.simulate_train_eval(arch, "cifar10", hp="12")
    searches.append({"seconds": time.perf_counter() - started, "queries": count})
if task == "rea":
    for seed in range(count):
        if time.perf_counter() - answered > limit:
            break
        started = time.perf_counter()
        queries = rea(seed)
        searches.append({"seconds": time.perf_counter() - started, "queries": queries})
ended = time.perf_counter()
print(
    json.dumps(
        {
            "open_seconds": answered - began,
            "task_seconds": ended - answered,
            "searches": searches,
            "peak_mb": peak_mb(),
        }
    )
)
