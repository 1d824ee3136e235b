"""torchaudio.compliance.kaldi: Kaldi's features as functions."""

from ...kaldi import fbank, mfcc

__all__ = ["fbank", "mfcc"]
