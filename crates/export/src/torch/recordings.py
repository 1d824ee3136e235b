"""Parts of the generated file that only a model of recordings has."""


def features(samples):
    """Frames [T, F] of samples [L] in [-1, 1] at SAMPLE_RATE, as COMPUTED.

    The result is a NumPy array of 32-bit floats, the input of Model.
    """
    samples = as_samples(samples)
    # front end
    return frames.astype(np.float32)


def as_samples(samples):
    """Samples as a NumPy array; whole numbers are refused, because their scale is unknown."""
    samples = np.asarray(samples)
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise ValueError(f"samples must be floats [L] in [-1, 1], not {samples.dtype} {samples.shape}")
    return samples.astype(np.float32)


def fix_length(samples, length):
    """Samples cut or padded with zeros to a length."""
    return np.pad(samples[:length], (0, max(0, length - len(samples))))


def delta(frames, weights, mode):
    """Weighted sums of each frame and its neighbors; `mode` of np.pad extends the frames beyond the ends.

    With mode "interp" the frames at the ends have the sums of the nearest frame with all neighbors.
    """
    reach = len(weights) // 2
    ends = ((reach, reach), (0, 0))
    if mode != "interp":
        frames = np.pad(frames, ends, mode=mode)
    elif len(frames) < len(weights):
        raise ValueError(f"{len(frames)} frames are too few for deltas of {len(weights)} frames")
    count = len(frames) - 2 * reach
    sums = sum(weight * frames[k : k + count] for k, weight in enumerate(weights))
    return np.pad(sums, ends, mode="edge") if mode == "interp" else sums


def stack(frames, left, right, every):
    """Each frame beside its neighbors, [T / every, (left + 1 + right) F]; the frames at the ends are repeated."""
    padded = np.pad(frames, ((left, right), (0, 0)), mode="edge")
    stacked = [padded[k : k + len(frames)] for k in range(left + 1 + right)]
    return np.concatenate(stacked, axis=1)[::every]


def standardize(frames):
    """Mean 0 and deviation 1 of each value over the frames; a value that is constant up to rounding becomes 0."""
    frames = frames.astype(np.float64)
    mean, variance = frames.mean(axis=0), frames.var(axis=0)
    rounding = len(frames) * np.finfo(np.float64).eps
    is_constant = variance <= rounding * variance + (rounding * mean) ** 2
    return (frames - mean) / np.where(is_constant, 1, np.sqrt(variance))


def cmvn(frames):
    """Mean 0 and variance 1 of each value over the frames, as Kaldi's apply-cmvn with norm-vars."""
    frames = frames.astype(np.float64)
    return (frames - frames.mean(axis=0)) / np.sqrt(np.maximum(frames.var(axis=0), 1e-20))


def subtract_mean(frames):
    """Mean 0 of each value over the frames."""
    frames = frames.astype(np.float64)
    return frames - frames.mean(axis=0)


# module


def segments(probabilities, seconds):
    """Parts of a recording with one most probable label: a list of (start, end, label), times in s."""
    found = []
    for frame, label in enumerate(probabilities.argmax(dim=-1).tolist()):
        # The boundary is halfway between the centers of two frames.
        start = FIRST_CENTER + (frame - 0.5) * HOP if found else 0.0
        if start < seconds and (not found or found[-1][1] != LABELS[label]):
            found.append((max(start, 0.0), LABELS[label]))
    ends = [start for start, _ in found[1:]] + [seconds]
    return [(start, end, label) for (start, label), end in zip(found, ends) if end > start]


def read_wav(path):
    """Samples [L] in [-1, 1], the mean of the channels, and the sample rate in Hz."""
    try:
        import soundfile

        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        return samples.mean(axis=1), rate
    except ImportError:
        pass
    with wave.open(path) as file:
        if file.getsampwidth() != 2:
            sys.exit(f"{path} is not a WAV file of 16 bits; install soundfile, which reads other files")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, file.getnchannels()).mean(axis=1) / 32768, file.getframerate()


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: python {sys.argv[0]} FILE.wav")
    path = sys.argv[1]
    samples, rate = read_wav(path)
    if rate != SAMPLE_RATE:
        sys.exit(
            f"{path} has {rate} Hz, but the model reads {SAMPLE_RATE} Hz; "
            f"resample it first, such as with ffmpeg -i {path} -ar {SAMPLE_RATE} resampled.wav"
        )
    model = load(Path(__file__).with_name("model.safetensors"))
    with torch.no_grad():
        probabilities = model(torch.from_numpy(features(samples))[None])[0]
    # results


if __name__ == "__main__":
    main()
