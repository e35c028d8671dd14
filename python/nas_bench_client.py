"""Runs a search method written in Python under nas-bench-harness (`bench run --algo ./my_method.py`).

A method is a function that gets a `Task` and returns an architecture:

    import nas_bench_client as bench

    def search(task):
        while True:                        # ends when the budget is used up
            task.ask(task.space.sample(task.random))

    bench.run(search, name="my-random", version=1)

`task.ask` returns the validation accuracy of an architecture in %. When the budget is used up it raises `BudgetOver`,
which `run` handles: the answer is then the best architecture that was asked. A gradient method trains by itself and
calls `task.report` after each epoch.

Standard library only, Python 3.9 or newer. Programs that the harness starts can import this file without installing
it; a copy beside the program comes first. The messages are described in docs/external-methods.md.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Callable, Mapping, NamedTuple, Optional, Sequence, Union

PROTOCOL = 1

# An architecture: its text; its decisions, as `Space.decisions` counts them; or mixing weights, {"theta": rows}.
Architecture = Union[str, Sequence[int], Mapping[str, Any]]


class BudgetOver(Exception):
    """Raised by `Task.ask` when the budget or the number of evaluations is used up."""


class Edge(NamedTuple):
    """An edge of a cell, with the names of its candidate operations."""

    cell: str
    start: int
    end: int
    operations: tuple[str, ...]


class Space(NamedTuple):
    """A search space. An architecture is a tuple of decisions; decision i has the values 0 to decisions[i] - 1.

    On NAS-Bench-201 there is a decision for each edge: the index of its operation.
    """

    name: str
    edges: tuple[Edge, ...]
    decisions: tuple[int, ...]

    def sample(self, rng: random.Random) -> tuple[int, ...]:
        """Returns a random architecture; every decision is uniformly distributed."""
        return tuple(rng.randrange(n) for n in self.decisions)

    def mutate(self, architecture: Sequence[int], rng: random.Random) -> tuple[int, ...]:
        """Returns the architecture with one decision changed to another value."""
        at = rng.randrange(len(self.decisions))
        shift = rng.randrange(1, self.decisions[at])
        value = (architecture[at] + shift) % self.decisions[at]
        return (*architecture[:at], value, *architecture[at + 1 :])

    def neighbours(self, architecture: Sequence[int]) -> list[tuple[int, ...]]:
        """Returns all architectures that differ from this one in exactly one decision."""
        return [
            (*architecture[:at], value, *architecture[at + 1 :])
            for at, n in enumerate(self.decisions)
            for value in range(n)
            if value != architecture[at]
        ]


class Device(NamedTuple):
    """The hardware for this run. `cuda` is the value of CUDA_VISIBLE_DEVICES, `threads` the number of CPU threads."""

    cuda: Optional[str]
    threads: Optional[int]


class ImageFiles(NamedTuple):
    """NumPy files with the images of one half of the search."""

    images: Path  # intensities 0 to 255, uint8 [number, height, width, channels]
    labels: Path  # classes, int32 [number]
    indices: Path  # positions of the images in the training or test set, int32 [number]
    source: str  # "train" or "test"


class Images(NamedTuple):
    """The images of the two halves of a search."""

    weights: ImageFiles  # images on which network weights are trained
    architecture: ImageFiles  # images on which architecture parameters are trained
    mean: tuple[float, ...]  # of each channel, for intensities scaled to 0 to 1
    std: tuple[float, ...]
    classes: int
    folder: Optional[Path]  # folder of the dataset as the user has it; None: built-in images


class Task:
    """One search: what it may use, and the calls that it makes."""

    def __init__(self, channel: _Channel, start: Mapping[str, Any], epochs: int) -> None:
        space = start["space"]
        edges = (Edge(e["cell"], e["from"], e["to"], tuple(e["operations"])) for e in space["edges"])
        self._channel = channel
        self._is_over = False
        self.space = Space(space["name"], tuple(edges), tuple(space["decisions"]))
        self.dataset: str = start["dataset"]
        self.settings: Mapping[str, Any] = start["settings"]
        """The search protocol: epochs, batchSize, weights, architecture, network, stepOrder, data."""
        self.seed: int = start["seed"]
        self.random = random.Random(self.seed)
        """Random numbers of this seed. All chance of a method must come from the seed."""
        self.options = SimpleNamespace(**start["options"])
        self.budget_seconds: Optional[float] = start["budget_seconds"]
        self.evaluations: Optional[int] = start["evaluations"]
        """Largest number of evaluations; None: only the budget ends the search."""
        self.fidelities: Optional[tuple[int, ...]] = start["fidelities"] and tuple(start["fidelities"])
        """Lengths of training, in epochs, that `ask` accepts; None: only the usual one."""
        self.used_seconds = 0.0
        """Simulated seconds that the search has spent."""
        self.epochs = epochs
        """Number of epochs to report."""
        self.folder = Path(start["folder"])
        """Folder for files of the method. It is deleted when the search ends."""
        self.device = Device(start["device"]["cuda"], start["device"]["threads"])
        self.first_epoch = 0
        """First epoch to report: above 0 when an interrupted run is resumed."""
        self.restored: Optional[Path] = None
        """Folder with the files that the method saved before `first_epoch`; None: begin anew."""

    def ask(self, architecture: Architecture, epochs: Optional[int] = None) -> float:
        """Returns the validation accuracy of an architecture in % after a training of `epochs` epochs.

        The training is charged to the simulated clock. Raises `BudgetOver` when the budget is used up.
        """
        if not self._is_over:
            message: dict[str, Any] = {"type": "ask", "architecture": architecture}
            if epochs is not None:
                message["epochs"] = epochs
            reply = self._channel.exchange(message, "told")
            self.used_seconds = reply["used_seconds"]
            if reply["accuracy"] is not None:
                return reply["accuracy"]
            self._is_over = True
        raise BudgetOver("the budget of the search is used up")

    def images(self) -> Images:
        """Returns the images of the search, for gradient methods; the harness writes them to files in `folder`."""
        reply = self._channel.exchange({"type": "images"}, "images")
        halves = (
            ImageFiles(Path(half["images"]), Path(half["labels"]), Path(half["indices"]), half["from"])
            for half in (reply["weights"], reply["architecture"])
        )
        folder = Path(reply["folder"]) if reply["folder"] else None
        return Images(*halves, tuple(reply["mean"]), tuple(reply["std"]), reply["classes"], folder)

    def report(
        self,
        epoch: int,
        architecture: Architecture,
        *,
        train_loss: Optional[float] = None,
        train_accuracy: Optional[float] = None,
        valid_loss: Optional[float] = None,
        valid_accuracy: Optional[float] = None,
        alpha: Optional[Sequence[Sequence[float]]] = None,
        theta: Optional[Sequence[Sequence[float]]] = None,
        hessian_eigenvalue: Optional[float] = None,
        extra: Optional[Mapping[str, float]] = None,
        last: Optional[str] = None,
        save: Optional[Callable[[Path], object]] = None,
    ) -> None:
        """Reports an epoch: its number from 0, and the architecture that the method would answer now.

        Accuracies are in %. `alpha` has a row for each of `space.edges`. `last` says why the search ends with this
        epoch, before its last one. `save` writes the state of the method to files in the folder that it is given; it
        is called now and then, in methods that declare `saves=True`.
        """
        numbers = {
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            "valid_loss": valid_loss,
            "valid_accuracy": valid_accuracy,
            "alpha": alpha,
            "theta": theta,
            "hessian_eigenvalue": hessian_eigenvalue,
            "extra": extra,
            "last": last,
        }
        given = {name: value for name, value in numbers.items() if value is not None}
        self._channel.send({"type": "epoch", "epoch": epoch, "architecture": architecture, **given})
        while True:
            reply = self._channel.receive()
            if reply["type"] != "save":
                return
            if save is None:
                raise ValueError("a method that declares saves=True passes save=... to report")
            save(Path(reply["folder"]))
            self._channel.send({"type": "saved"})

    def alive(self) -> None:
        """Tells the harness that the method still works; needed only in half an hour without another call."""
        self._channel.send({"type": "alive"})


def run(
    search: Callable[[Task], Optional[Architecture]],
    *,
    name: str,
    version: int,
    kind: str = "black-box",
    options: Optional[Mapping[str, Any]] = None,
    spaces: Optional[Sequence[str]] = None,
    epochs: Optional[int] = None,
    saves: bool = False,
    files: Optional[Sequence[str]] = None,
    description: str = "",
    source: str = "",
) -> None:
    """Runs a search method under the harness. Does not return.

    search: gets a `Task` and returns the architecture that it found; None: the best that was asked, or of the last epoch
    version: part of the identity of runs; raise it with every change that changes results
    kind: "black-box" asks for accuracies; "gradient" trains by itself and reports epochs
    options: name -> default value, or {"default": 10, "description": "...", "min": 1, "max": 99, "choices": [...]}
    spaces: names of the search spaces that the method works on; None: all
    epochs: number of epochs that it reports; None: those of the protocol ("gradient"), or none ("black-box")
    saves: whether `report` gets a `save`; if not, an interrupted run starts again
    files: files and folders that identify runs, beside this program; None: the source files in its folder
    """
    if sys.stdin is None or sys.stdin.isatty():
        sys.exit(f"{name} is a method for nas-bench-harness; run it with: bench run --algo {sys.argv[0]}")
    channel = _Channel()
    try:
        message = channel.receive()
        if message["type"] == "describe":
            import platform  # only here and below where needed: a search starts sooner without these modules

            declared = {
                "name": name,
                "version": version,
                "kind": kind,
                "options": {key: _option(value) for key, value in (options or {}).items()},
                "saves": saves,
                "description": description or (sys.modules["__main__"].__doc__ or "").strip().split("\n")[0],
                "source": source,
                "language": f"{platform.python_implementation().replace('CPython', 'Python')} {platform.python_version()}",
            }
            if sys.executable:
                declared["interpreter"] = sys.executable
            if spaces is not None:
                declared["spaces"] = list(spaces)
            if files is not None:
                declared["files"] = list(files)
            channel.send({"type": "method", "protocol": PROTOCOL, **declared})
        else:
            channel.search(search, message, epochs if epochs is not None or kind == "gradient" else 1)
    except Exception as error:
        import traceback

        traceback.print_exc()
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({os.path.basename(place.filename)}, line {place.lineno})"
        channel.finish({"type": "error", "message": text})
        os._exit(1)
    channel.finish()
    sys.exit(0)


def _option(value: Any) -> Mapping[str, Any]:
    declared = dict(value) if isinstance(value, Mapping) else {"default": value}
    kinds = {bool: "boolean", int: "integer", float: "number", str: "text"}
    kind = kinds.get(type(declared["default"]))
    return {"type": kind, **declared} if kind and "choices" not in declared else declared


class _Channel:
    """Messages over the standard input and output that the program was started with.

    Everything that is printed from now on goes to standard error, which is the log of the run. When the harness has
    ended, the program ends, too, with all processes that it started.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._in: BinaryIO = os.fdopen(os.dup(0), "rb")
        self._out: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        self._is_finished = False
        threading.Thread(target=self._watch, args=(os.getppid(),), daemon=True).start()

    def search(self, search: Callable[[Task], Optional[Architecture]], start: Any, epochs: Optional[int]) -> None:
        if start["type"] != "start" or start["protocol"] != PROTOCOL:
            raise ValueError(f"expected the message start of version {PROTOCOL}, got {start['type']} {start['protocol']}")
        ready = {"type": "ready", "protocol": PROTOCOL}
        if epochs is not None:
            ready["epochs"] = epochs
        begin = self.exchange(ready, "begin")
        task = Task(self, start, epochs if epochs is not None else start["settings"]["epochs"])
        task.first_epoch = begin["epoch"]
        task.restored = Path(begin["restore"]) if begin["restore"] else None
        try:
            architecture = search(task)
        except BudgetOver:
            architecture = None
        answer: dict[str, Any] = {"type": "answer"}
        if architecture is not None:
            answer["architecture"] = architecture
        self._is_finished = True
        self.exchange(answer, "end")

    def send(self, message: Mapping[str, Any]) -> None:
        line = json.dumps(message, separators=(",", ":"), allow_nan=False, default=_plain).encode() + b"\n"
        while line:
            line = line[self._out.write(line) or 0 :]

    def receive(self) -> Any:
        line = self._in.readline()
        if not line:
            self._end_all()
        return json.loads(line)

    def exchange(self, message: Mapping[str, Any], expected: str) -> Any:
        self.send(message)
        reply = self.receive()
        if reply["type"] != expected:
            raise ValueError(f"expected the message {expected}, got {reply['type']}")
        return reply

    def finish(self, message: Optional[Mapping[str, Any]] = None) -> None:
        self._is_finished = True
        if message is not None:
            self.send(message)
        sys.stdout.flush()
        sys.stderr.flush()

    def _watch(self, parent: int) -> None:
        """Waits until the harness has ended, and then ends this program."""
        if hasattr(select, "poll"):
            hangup = select.poll()
            hangup.register(self._in.fileno(), 0)
            hangup.poll()
        else:
            while os.getppid() == parent:
                time.sleep(1)
        if self._is_finished:
            time.sleep(10)
        self._end_all()

    def _end_all(self) -> None:
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)


def _plain(value: Any) -> Any:
    """Returns numbers and arrays of NumPy and PyTorch as plain ones."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be part of a message; pass plain numbers, lists and texts")
