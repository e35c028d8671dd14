"""Regularised evolution (Real et al., AAAI 2019): tournaments, one mutation, the oldest dies.

    bench run --algo ./evolution.py --seeds 4
"""

from collections import deque

import nas_bench_client as bench


def search(task: bench.Task) -> None:
    options, rng = task.options, task.random
    population: deque = deque()  # of (accuracy, architecture), the oldest first
    while True:  # ends when the budget is used up
        if len(population) < options.population:
            architecture = task.space.sample(rng)
        else:
            drawn = [rng.choice(population) for _ in range(options.tournament)]
            parent = max(drawn, key=lambda member: member[0])[1]
            architecture = task.space.mutate(parent, rng)
        accuracy = task.ask(architecture)
        if len(population) == options.population:
            population.popleft()
        population.append((accuracy, architecture))


bench.run(
    search,
    name="py-evolution",
    version=1,
    source="Real et al., AAAI 2019",
    files=[],  # this file alone identifies runs
    options={
        "population": {"default": 10, "min": 1, "description": "P, individuals alive"},
        "tournament": {"default": 3, "min": 1, "description": "S, individuals of which the best is the parent"},
    },
)
