"""Progress of trainings."""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any, Callable


def without_none(value: Any) -> Any:
    """Drops keys without a value, for which TOML has no word."""
    if isinstance(value, dict):
        return {key: without_none(inner) for key, inner in value.items() if inner is not None}
    return value


def in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and type(shell.get_ipython()).__name__ == "ZMQInteractiveShell"


class Progress:
    """Passes events to a callback; without one, to a progress bar of tqdm in a notebook."""

    def __init__(self, callback: Callable[[dict[str, Any]], None] | None) -> None:
        self._callback = callback
        self._bar: Any = None
        self._validation = ""

    @property
    def report(self) -> Callable[[str], None] | None:
        """Function that receives events as JSON; None if nobody listens."""
        return self._report if self._callback is not None or in_notebook() else None

    def _report(self, text: str) -> None:
        event = json.loads(text)
        if event["event"] == "warning":
            warnings.warn(event["text"], stacklevel=4)
        if self._callback is not None:
            self._callback(event)
        else:
            self._show(event)

    def _show(self, event: dict[str, Any]) -> None:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            return
        if event["event"] == "validation":
            accuracy = event["point"].get("validation_accuracy")
            if isinstance(accuracy, float):
                self._validation = f", validation {100 * accuracy:.1f} %"
        if event["event"] == "step":
            if self._bar is None:
                self._bar = tqdm(total=event["steps"], unit="step")
            self._bar.update(event["step"] - self._bar.n)
            self._bar.set_description(f"loss {float(event['loss']):.3f}{self._validation}")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()
