#!/usr/bin/env python3
"""Records the speech segments of silero-vad for random probability tracks and options.

    pip install silero-vad && python speech_segments.py > speech_segments.jsonl

Probabilities are written as hexadecimal bytes b, for b / 255 in single precision; times are samples.
"""
import json
import random

import numpy
from silero_vad.utils_vad import get_speech_timestamps_from_probs


def track(rng):
    """A walk between speech and silence with noise, as bytes."""
    values, level = [], 0.1
    for _ in range(rng.randint(1, 400)):
        if rng.random() < 0.06:
            level = rng.choice([0.02, 0.1, 0.3, 0.42, 0.55, 0.9, 0.99])
        values.append(min(255, max(0, round(255 * (level + rng.gauss(0, 0.08))))))
    return values


def main():
    rng = random.Random(1)
    for number in range(200):
        rate = rng.choice([8000, 16000])
        values = track(rng)
        options = {
            "threshold": rng.choice([0.5, 0.3, 0.7, 0.9]),
            "neg_threshold": rng.choice([None, 0.2, 0.45]),
            "min_speech_duration_ms": rng.choice([250, 0, 100, 500, 33]),
            "max_speech_duration_s": rng.choice([None, 0.7, 1.3, 3]),
            "min_silence_duration_ms": rng.choice([100, 0, 30, 64, 500, 2000]),
            "speech_pad_ms": rng.choice([30, 0, 10, 75, 400]),
            "min_silence_at_max_speech": rng.choice([98, 20, 0]),
            "use_max_poss_sil_at_max_speech": rng.choice([True, False]),
        }
        window = 512 if rate == 16000 else 256
        samples = window * len(values) - rng.randrange(window)
        probabilities = [float(numpy.float32(value) / numpy.float32(255)) for value in values]
        given = {**options, "max_speech_duration_s": options["max_speech_duration_s"] or float("inf")}
        segments = get_speech_timestamps_from_probs(
            probabilities, sampling_rate=rate, audio_length_samples=samples, **given
        )
        print(json.dumps({
            "rate": rate, "samples": samples, **options, "probabilities": bytes(values).hex(),
            "segments": [[segment["start"], segment["end"]] for segment in segments],
        }))


main()
