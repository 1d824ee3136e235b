"""Comparison of runs."""

from __future__ import annotations

import os
from typing import Any, Callable, Iterator, Sequence

from . import _native
from ._progress import Progress, warn
from ._settings import from_json
from .training import report_frame


class Comparison:
    """Table of a comparison, with the report.

    ``records`` is a list of dicts, one per candidate, and so is ``pandas.DataFrame(comparison)``: medians over the seeds, with the lowest and
    highest in ``NAME_low`` and ``NAME_high``. ``notes`` are sentences about runs that were skipped or diverged.
    """

    def __init__(self, table: str, page: str) -> None:
        content = from_json(table)
        self.title: str = content["title"]
        self.notes: list[str] = content["notes"]
        self.records = _records(content["table"])
        self.html = page

    def _repr_html_(self) -> str:
        return report_frame(self.html)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        return f"stapes.Comparison({self.title!r}, {len(self)} candidates)"


def _records(table: Any) -> list[dict[str, Any]]:
    records = []
    for row in table["rows"]:
        record: dict[str, Any] = {}
        for column, value in zip(table["columns"], row):
            key = column["key"]
            if isinstance(value, dict):
                if "median" in value:
                    record[key] = value["median"]
                for end in ("low", "high"):
                    record[f"{key}_{end}"] = value.get(end)
            else:
                record[key] = value
        records.append(record)
    return records


def compare(
    sweep: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    data: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    *,
    jobs: int | None = None,
    train: bool = True,
    callback: Callable[[dict[str, Any]], None] | None = None,
) -> Comparison:
    """Trains the configurations of a sweep and compares them, or compares runs that exist.

    Args:
        sweep: a sweep, TOML; or a folder with runs, or a list of such folders or of runs.
        data: folder of the data set.
        out: folder of the sweep's runs; by default ``runs/SWEEP``.
        jobs: number of parallel runs; by default one per core.
        train: False to compare the existing runs of a sweep only.
        callback: called with each event, a dict; ``"run_ended"`` has ``run``, ``status``, ``error``, ``done`` and ``total``.

    Runs that fail are skipped with a warning. Ctrl-C stops the runs and compares those that are complete; the next call
    continues.
    """
    path, runs = None, []
    if not isinstance(sweep, (str, os.PathLike)):
        runs = [os.fspath(folder) for folder in sweep]
    elif os.path.isdir(sweep):
        runs = [os.fspath(sweep)]
    else:
        path = os.fspath(sweep)
    if path is None and not runs:
        raise ValueError("no runs to compare; give at least one run folder")
    with Progress(callback) as progress:
        table, page, interrupted = _native.compare(
            path,
            runs,
            None if data is None else os.fspath(data),
            None if out is None else os.fspath(out),
            jobs,
            train,
            progress.report,
        )
    if interrupted:
        warn("the comparison was interrupted; it has the runs that are complete")
    return Comparison(table, page)
