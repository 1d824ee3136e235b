"""Requests that schemathesis makes from the description of the interface."""

from __future__ import annotations

import io
import wave

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import CHECKS

schemathesis.hook


def load(context_server: str):
    return schemathesis.openapi.from_url(f"{context_server}/openapi.json")
