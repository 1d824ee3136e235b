"""Training of recipes, and the runs that it writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import numpy as np

from . import _native
from ._progress import Progress, divergence, warn
from ._settings import from_json, settings_json
from .model import Model


class Run:
    """A complete run: the folder that ``stapes train`` or :func:`train` writes.

    Attributes: ``folder``; ``record``, the results; ``recipe``, TOML with all defaults; ``history``, the learning curves as
    dicts, one per validation; ``labels``; ``confusion``, counts [K, K] with the true class in rows; ``model``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        native, rest = _native.read_run(os.fspath(folder))
        content = from_json(rest)
        self.model = Model(native)
        self.record: dict[str, Any] = content["record"]
        self.recipe: str = content["recipe"]
        self.history: list[dict[str, Any]] = content["history"]
        self.labels: list[str] = content["classes"]
        self.confusion = np.asarray(content["confusion"])

    @property
    def test_accuracy(self) -> float | None:
        """Accuracy on the test examples."""
        return self.record.get("test_accuracy")

    def __fspath__(self) -> str:
        return str(self.folder)

    def _repr_html_(self) -> str:
        return report_frame((self.folder / "report.html").read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        accuracy = "" if self.test_accuracy is None else f", test accuracy {100 * self.test_accuracy:.1f} %"
        return f"stapes.Run({str(self.folder)!r}{accuracy})"


def report_frame(page: str) -> str:
    """A page within a notebook, with its own styles."""
    source = page.replace("&", "&amp;").replace('"', "&quot;")
    return f'<iframe srcdoc="{source}" style="width:100%;height:40em;border:0" sandbox="allow-scripts"></iframe>'


def train(
    recipe: str | os.PathLike[str] | dict[str, Any],
    data: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    set: dict[str, Any] | None = None,
    exists: str = "error",
    callback: Callable[[dict[str, Any]], None] | None = None,
) -> Run:
    """Trains a recipe and returns the run, like ``stapes train``.

    Args:
        recipe: a file, the name of a built-in recipe (``stapes recipes`` lists them), or a dict with the recipe's sections.
        data: folder of the data set; by default that of the recipe.
        out: run folder; by default ``runs/NAME``, or the next free name; with ``exists="resume"`` the last one.
        set: changes of keys, such as ``{"train.epochs": 2}``.
        exists: what happens if the run exists: ``"error"``, ``"replace"`` or ``"resume"``.
        callback: called with each event, a dict whose ``event`` is ``"loading"``, ``"step"``, ``"validation"``,
            ``"warning"`` or another; by default progress is shown in a notebook. Its exceptions end the training and are
            raised; the run can then be resumed.

    Ctrl-C, or the interrupt button of a notebook, ends the training and keeps what it has reached, with a warning. While the
    data is being loaded it raises ``KeyboardInterrupt``.
    """
    source = {"keys": recipe} if isinstance(recipe, dict) else {"file": os.fspath(recipe)}
    for key, value in (set or {}).items():
        if value is None:
            raise ValueError(f"set: {key} is None; leave the key out to use its default")
    with Progress(callback) as progress:
        folder, interrupted = _native.train(
            settings_json(source),
            None if data is None else os.fspath(data),
            None if out is None else os.fspath(out),
            settings_json(set or {}),
            exists,
            progress.report,
        )
    run = Run(folder)
    warning = divergence(run.record.get("diverged_loss"))
    if interrupted:
        warning = "the training was interrupted; the run has the best model so far, and exists=\"resume\" continues it"
    if warning is not None:
        warn(warning)
    return run
