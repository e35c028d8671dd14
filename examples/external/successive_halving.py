"""Successive halving (Jamieson and Talwalkar, AISTATS 2016): train many a little, the best 1/eta of them longer.

    bench run --algo ./successive_halving.py --seeds 4
"""

import nas_bench_client as bench


def search(task: bench.Task) -> bench.Architecture:
    options = task.options
    lengths = task.fidelities or (None,)  # lengths of training in epochs, ascending
    best = None
    while True:
        rung = [task.space.sample(task.random) for _ in range(options.width)]
        for length in lengths[-options.rungs :]:
            ranked = []
            for architecture in rung:
                try:
                    ranked.append((task.ask(architecture, length), architecture))
                except bench.BudgetOver:  # of an unfinished rung nothing is known
                    return best[1] if best else rung[0]
            ranked.sort(key=lambda entry: entry[0], reverse=True)
            rung = [architecture for _, architecture in ranked[: max(1, len(ranked) // options.eta)]]
        best = max(best or ranked[0], ranked[0], key=lambda entry: entry[0])


bench.run(
    search,
    name="py-halving",
    version=1,
    source="Jamieson and Talwalkar, AISTATS 2016",
    files=[],
    options={
        "width": {"default": 27, "min": 1, "description": "architectures of the first rung"},
        "eta": {"default": 3, "min": 2, "description": "one of eta architectures goes on to the next rung"},
        "rungs": {"default": 4, "min": 1, "description": "most rungs; each trains longer than the one before"},
    },
)
