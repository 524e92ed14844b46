"""Errors: each message is one line that says what was wrong and what to do. Imports no torch."""


class EEGEmotionError(Exception):
    """Base of every error that this project raises for its users."""


class CheckpointError(EEGEmotionError, ValueError):
    """Raised when a model folder is absent, damaged, changed or of another kind."""


class CodebookWarning(UserWarning):
    """The codebook is hardly used."""


class EncoderConfigError(EEGEmotionError, ValueError):
    """Raised when a setting of an encoder or of its pretraining is impossible."""
