"""The errors framelens raises on purpose.

Each says what was received, where, and what is accepted. All derive from :class:`FramelensError`, which is a
:class:`ValueError`, so that callers may catch one type.
"""

from __future__ import annotations


class FramelensError(ValueError):
    """Base class of every error that framelens raises on purpose."""


class InputError(FramelensError):
    """What was handed to ``classify`` or a reader is not something it can read."""


class DataError(FramelensError):
    """Rows of a data file are unusable; the message names file, row and reason."""


class ConfigError(FramelensError):
    """A training configuration has an unknown key, a wrong type or a value out of range."""


class CheckpointError(FramelensError):
    """A checkpoint is missing, incomplete, altered, or not one that framelens wrote."""


class CorpusError(FramelensError):
    """The output folder of a corpus run is in use, holds another run, or cannot be written to."""


class MissingExtraError(FramelensError, ImportError):
    """A feature needs packages that the base install leaves out."""

    @classmethod
    def for_extra(cls, feature: str, extra: str) -> MissingExtraError:
        """Name the feature and the command that installs what it needs."""
        return cls(f"{feature} needs packages that the base install leaves out: pip install 'framelens[{extra}]'")
