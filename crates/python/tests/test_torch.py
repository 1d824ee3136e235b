"""Models as PyTorch modules, against the model itself."""

import numpy as np
import pytest
from helpers_models import CLIP_MODELS, FRAME_MODELS, trained

import stapes

torch = pytest.importorskip("torch")

def check(model, sequences):
    """The module's probabilities are the model's, for single sequences and for padded batches with lengths."""
    module = model.to_torch()
    expected = np.stack([model._native.classify_frames(one) for one in sequences])
    with torch.no_grad():
        single = np.stack([module(torch.from_numpy(one[None]))[0].numpy() for one in sequences])
        longest = max(map(len, sequences))
        padded = np.stack([np.pad(one, ((0, longest - len(one)), (0, 0)), constant_values=7) for one in sequences])
        batch = module(torch.from_numpy(padded), [len(one) for one in sequences]).numpy()
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(batch, single, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", FRAME_MODELS)
def test_a_module_computes_the_probabilities_of_its_model(name):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(30 + 7 * n % 20, 40)).astype(np.float32) for n in range(12)]
    check(trained(FRAME_MODELS[name], X), X[:4])


@pytest.mark.parametrize("name", CLIP_MODELS)
def test_a_module_of_clips_reads_the_frames_of_the_front_end(name):
    config, features = CLIP_MODELS[name]
    rng = np.random.default_rng(1)
    X = [rng.normal(0, 0.1, 8000).astype(np.float32) for _ in range(12)]
    model = trained(config, X, sample_rate=8000, features=features)
    check(model, [model.features(clip, 8000) for clip in X[:3]])
    with torch.no_grad():
        frames = torch.from_numpy(model.features(X[0], 8000)[None])
        np.testing.assert_allclose(
            model.to_torch()(frames)[0].numpy(), model.probabilities(X[0], 8000), rtol=0, atol=1e-5
        )


def test_the_built_in_models_are_modules():
    rng = np.random.default_rng(1)
    for name in ("vad", "digits"):
        model = stapes.Model.load(name)
        frames = model.features(rng.normal(0, 0.1, 16000).astype(np.float32), 16000)
        with torch.no_grad():
            probabilities = model.to_torch()(torch.from_numpy(frames[None]))[0].numpy()
        np.testing.assert_allclose(probabilities, model._native.classify_frames(frames), rtol=0, atol=1e-5)


def test_a_cell_that_pytorch_lacks_is_refused():
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(9, 4)).astype(np.float32) for _ in range(12)]
    model = trained({"recurrent": {"cell": "gru_reset_before", "hidden_size": 5}}, X)
    with pytest.raises(ValueError, match="PyTorch cannot run .*cell = \"gru\""):
        model.to_torch()
