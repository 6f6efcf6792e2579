"""The engine's errors. Every one has two parts: what happened, and what to do about it."""

from __future__ import annotations


class EngineError(Exception):
    """Something the user can be told in words.

    Args:
        what: what happened, one plain sentence.
        hint: what to do now, one plain sentence.
    """

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what} {hint}")
        self.what = what
        self.hint = hint

    def __reduce__(self) -> tuple[type[EngineError], tuple[str, str]]:
        # Exceptions cross the worker's pipe; the default would call __init__ with the joined text.
        return type(self), (self.what, self.hint)


class AudioError(EngineError):
    """A sound file cannot be read, or its content cannot be analysed."""


class SpecError(EngineError):
    """A setting is out of its range, or a stored spec cannot be understood.

    Args:
        what: what happened.
        hint: what to do.
        name: the setting's name, so that a form can mark the field.
    """

    def __init__(self, what: str, hint: str, name: str = "") -> None:
        super().__init__(what, hint)
        self.name = name

    def __reduce__(self) -> tuple[type[EngineError], tuple[str, ...]]:  # type: ignore[override]
        return type(self), (self.what, self.hint, self.name)


class CheckpointError(EngineError):
    """A model file is damaged, foreign, or from a newer version."""


class CorpusError(EngineError):
    """A folder or table of recordings cannot be used as asked."""


class TrainingError(EngineError):
    """A training run cannot start or cannot go on."""


class ExportError(EngineError):
    """A result cannot be written."""


class Cancelled(Exception):  # noqa: N818 - not an error: the user asked for it
    """Raised inside a job when its user cancelled it."""
