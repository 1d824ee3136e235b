"""Progress of trainings, and warnings."""

from __future__ import annotations

import sys
import warnings
from typing import Any, Callable

from ._settings import from_json


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warns about the line that called the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "stapes":
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


def in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


class Progress:
    """Passes events to a callback; without one, to a progress bar of tqdm in a notebook. Warnings are always shown."""

    def __init__(self, callback: Callable[[dict[str, Any]], None] | None) -> None:
        self._callback = callback
        self._shows_bar = callback is None and in_notebook()
        self._bar: Any = None
        self._validation = ""

    def report(self, text: str) -> None:
        """Receives an event as JSON, on the thread of the caller."""
        event = from_json(text)
        warning = _warning(event)
        if warning is not None:
            warn(warning)
        if self._callback is not None:
            self._callback(event)
        elif self._shows_bar:
            self._show(event)

    def _show(self, event: dict[str, Any]) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return
        if event["event"] == "validation":
            accuracy = event["point"].get("validation_accuracy")
            if accuracy is not None:
                self._validation = f", validation {100 * accuracy:.1f} %"
        if event["event"] == "step":
            if self._bar is None:
                self._bar = tqdm(total=event["steps"], unit="step")
            self._bar.update(event["step"] - self._bar.n)
            self._bar.set_description(f"loss {event['loss']:.3f}{self._validation}")
        if event["event"] == "run_ended":
            if self._bar is None:
                self._bar = tqdm(total=event["total"], unit="run")
            self._bar.update(event["done"] - self._bar.n)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()


def _warning(event: dict[str, Any]) -> str | None:
    """Returns the text of an event that is a warning."""
    if event["event"] == "warning":
        return str(event["text"])
    if event["event"] == "skipped":
        first = event["files"][0]
        return f"{len(event['files'])} files were skipped; the first: {first['path']}: {first['reason']}"
    if event["event"] == "run_ended" and event["status"] == "failed":
        return f"the run {event['run']} failed: {event['error']}"
    if event["event"] == "run_ended" and event["status"] == "busy":
        return f"the run {event['run']} was skipped: another process is training it"
    return None


def divergence(loss: float | None) -> str | None:
    """Returns the warning about a training whose loss rose without limit."""
    if loss is None:
        return None
    return f"training diverged: the loss rose to {loss:.1e}; lower learning_rate or set max_grad_norm"
