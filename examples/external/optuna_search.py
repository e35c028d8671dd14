"""Optuna as a search method: TPE proposes architectures, Hyperband ends unpromising ones early (pip install optuna).

    bench run --algo ./optuna_search.py --seeds 4

TPE: Bergstra et al., NIPS 2011; Hyperband: Li et al., JMLR 2018; Optuna: Akiba et al., KDD 2019. The lengths of training
that the table knows are the steps of a trial; each is charged to the clock as a training of its own.
"""

import nas_bench_client as bench


def search(task: bench.Task) -> None:
    import optuna  # here, so that the harness can read the declaration below quickly

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lengths = task.fidelities or (1,)

    def objective(trial: optuna.Trial) -> float:
        decisions = [trial.suggest_categorical(f"d{i}", list(range(n))) for i, n in enumerate(task.space.decisions)]
        for length in lengths:
            accuracy = task.ask(decisions, length if task.fidelities else None)
            trial.report(accuracy, length)
            if length != lengths[-1] and trial.should_prune():
                raise optuna.TrialPruned
        return accuracy

    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.TPESampler(
            seed=task.seed, multivariate=task.options.multivariate, n_startup_trials=task.options.startup
        ),
        pruner=optuna.pruners.HyperbandPruner(
            min_resource=lengths[0], max_resource=lengths[-1], reduction_factor=task.options.eta
        ),
        study_name="search",  # Hyperband assigns trials to brackets by a hash of this name
    )
    study.optimize(objective)  # ends by BudgetOver; the answer is the best of the longest trainings


bench.run(
    search,
    name="optuna-tpe",
    version=1,
    source="Optuna (Akiba et al., KDD 2019): TPE with Hyperband",
    files=[],
    options={
        "multivariate": {"default": True, "description": "TPE models the decisions together"},
        "startup": {"default": 10, "min": 1, "description": "trials at random before TPE begins"},
        "eta": {"default": 3, "min": 2, "description": "Hyperband's reduction factor"},
    },
)
