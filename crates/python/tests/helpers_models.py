"""Models of every kind after one epoch of training."""

import numpy as np
from helpers_training import write_wav

import stapes

MFCC = {"front_end": {"librosa-mfcc": {"n_mfcc": 20}}, "sample_rate_hz": 8000, "fixed_length_samples": 8000}
WAVEFORM = {"front_end": {"waveform": {}}, "sample_rate_hz": 8000, "fixed_length_samples": 8000}

FRAME_MODELS = {
    **{
        f"{cell} {head} {mode}": {
            "recurrent": {
                "cell": cell,
                "hidden_size": 5,
                "num_layers": 2,
                "head": head,
                "bidirectional": mode is not None,
                **({"bidirectional_mode": mode} if mode else {}),
            }
        }
        for cell in ("lstm", "gru", "rnn_tanh", "rnn_relu")
        for head in ("last", "mean", "max", "attention", "vote")
        for mode in (None, "interleaved", "independent", "shared")
    },
    "ds-cnn": {"ds-cnn": {}},
    "tc-resnet": {"tc-resnet": {}},
    "bc-resnet": {"bc-resnet": {}},
    "crnn": {"crnn": {}},
    "attention-rnn": {"attention-rnn": {}},
}
CLIP_MODELS = {
    "wave-cnn": ({"wave-cnn": {"batch_norm": True}}, WAVEFORM),
    "mfcc-cnn": ({"mfcc-cnn": {}}, MFCC),
    "frame_ensemble": ({"recurrent": {"cell": "gru", "hidden_size": 5, "head": "frame_ensemble"}}, MFCC),
    "concatenate": ({"recurrent": {"cell": "gru", "hidden_size": 5, "head": "concatenate"}}, MFCC),
}


def trained(model, X, **settings):
    y = np.arange(len(X)) % 3
    return stapes.Classifier(model=model, epochs=1, batch_size=6, validation_fraction=0, **settings).fit(X, y).model_


def trained_frame_level(recurrent, folder):
    """Returns a frame-level model of tones in noise, after one epoch, and its recordings."""
    rng = np.random.default_rng(2)
    rows, recordings = ["path,start,end,label,subset"], []
    for number in range(9):
        seconds = 1 + number / 10
        recording = rng.normal(0, 0.05, int(8000 * seconds)).astype(np.float32)
        recording[:4000] += 0.5 * np.sin(np.arange(4000) * 0.3, dtype=np.float32)
        write_wav(folder / f"{number}.wav", recording)
        subset = ["train", "train", "validation", "test"][number % 4]
        rows += [f"{number}.wav,0,0.5,tone,{subset}", f"{number}.wav,0.5,{seconds},noise,{subset}"]
        recordings.append(recording)
    (folder / "manifest.csv").write_text("\n".join(rows))
    recipe = {
        "data": {"manifest": {"file": "manifest.csv", "frame_labels": True}},
        "features": {"preset": "log-mel", "sample_rate_hz": 8000},
        "model": {"recurrent": recurrent},
        "train": {"batch_size": 3, "epochs": 1},
    }
    return stapes.train(recipe, data=folder, out=folder / "run").model, recordings
