"""Features of librosa, python_speech_features, Kaldi and torchaudio, under each toolkit's names.

Each module takes the place of its toolkit::

    import stapes.features.librosa as librosa            # librosa.feature.mfcc(y=y, sr=sr)
    from stapes.features.psf import mfcc, logfbank       # python_speech_features
    import stapes.features.kaldi as knf                  # kaldi_native_fbank, torchaudio.compliance.kaldi
    import stapes.features.torchaudio.transforms as T    # torchaudio.transforms

In place of one clip, every function also takes a list of clips, which it computes in parallel, and returns a list.
"""

from . import kaldi, librosa, psf, torchaudio

__all__ = ["kaldi", "librosa", "psf", "torchaudio"]
