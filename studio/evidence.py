"""What a take measurably changed: rows for a table with the control beside the result, and one plain sentence."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from engine.api import Evidence, Take

# Below these differences from the control, listeners do not tell two renderings of a sentence apart.
AUDIBLE_SEMITONES = 0.5
AUDIBLE_DB = 0.5
COSINE_STEP = 0.05  # smaller moves of the model's own reading mean nothing
PAST_TARGET = 1.15
DASH = "–"


@dataclass(frozen=True)
class Row:
    """One measurement of the three sounds, in words for the table."""

    name: str
    why: str
    original: str
    control: str
    transformed: str


def rows(take: Take) -> list[Row]:
    """The measurements of a take, the most telling first."""
    tr = QCoreApplication.translate
    before, control, after = take.source_f0_hz, take.control_evidence, take.evidence
    return [
        Row(
            tr("Evidence", "Median F0"),
            tr("Evidence", "Median pitch of the voiced frames. Target: {0}.").format(_hz(take.target_f0_hz)),
            _hz(before),
            _hz(control.f0_median_hz),
            _hz(after.f0_median_hz),
        ),
        Row(
            tr("Evidence", "Pitch shift"),
            tr("Evidence", "How far the median pitch is from the original's, in semitones."),
            DASH,
            _semitones(control.f0_shift_semitones),
            _semitones(after.f0_shift_semitones),
        ),
        Row(
            tr("Evidence", "Share of the way"),
            tr("Evidence", "Pitch shift as a share of the distance from the source's to the target's pitch."),
            DASH,
            _percent(control.f0_share),
            _percent(after.f0_share),
        ),
        Row(
            tr("Evidence", "h like the source"),
            tr("Evidence", "Cosine of the h the model reads in this sound to the source's h; 1 = the same."),
            "1.00",
            _cosine(control.h_cosine_source),
            _cosine(after.h_cosine_source),
        ),
        Row(
            tr("Evidence", "h like the target"),
            tr("Evidence", "Cosine of the h the model reads in this sound to the target's h; 1 = the same."),
            DASH,
            _cosine(control.h_cosine_target),
            _cosine(after.h_cosine_target),
        ),
        Row(
            tr("Evidence", "Content distance"),
            tr("Evidence", "Mel-cepstral distance to the original, aligned in time; less keeps the words better."),
            DASH,
            _db(control.content_distance_db),
            _db(after.content_distance_db),
        ),
        Row(
            tr("Evidence", "Level"),
            tr("Evidence", "Active level of the sound."),
            DASH,
            f"{control.level_dbfs:.1f} dBFS",
            f"{after.level_dbfs:.1f} dBFS",
        ),
    ]


def is_audible(take: Take) -> bool:
    """Whether the result differs from the control by more than a listener misses."""
    pitch = _difference(take.evidence, take.control_evidence, "f0_shift_semitones")
    content = _difference(take.evidence, take.control_evidence, "content_distance_db")
    return abs(pitch or 0.0) >= AUDIBLE_SEMITONES or abs(content or 0.0) >= AUDIBLE_DB


def sentence(take: Take) -> str:
    """What this transfer changed against the reconstruction alone, in one plain sentence."""
    tr = QCoreApplication.translate
    pitch = _difference(take.evidence, take.control_evidence, "f0_shift_semitones")
    toward = _difference(take.evidence, take.control_evidence, "h_cosine_target")
    if not is_audible(take):
        if pitch is None:
            return tr(
                "Evidence",
                "Nothing audible changed: the result measures like the reconstruction alone (no voiced pitch).",
            )
        return tr(
            "Evidence",
            "Nothing audible changed: the pitch is {0} semitones from the reconstruction alone, "
            "and the spectrum measures alike.",
        ).format(f"{abs(pitch):.1f}")
    parts: list[str] = []
    if pitch is None:
        parts.append(tr("Evidence", "the pitch could not be measured"))
    elif abs(pitch) < AUDIBLE_SEMITONES:
        parts.append(tr("Evidence", "the pitch stayed"))
    else:
        words = tr("Evidence", "the pitch rose by {0} semitones") if pitch > 0 else tr(
            "Evidence", "the pitch fell by {0} semitones"
        )  # fmt: skip
        share = take.evidence.f0_share
        past = share is not None and share > PAST_TARGET
        way = tr("Evidence", " (past the target: {0} of the way)") if past else tr(
            "Evidence", " ({0} of the way to the target)"
        )  # fmt: skip
        way = "" if share is None else way.format(_percent(share))
        parts.append(words.format(f"{abs(pitch):.1f}") + way)
    if toward is not None:
        if toward >= COSINE_STEP:
            parts.append(tr("Evidence", "the model hears the target’s voice more"))
        elif toward <= -COSINE_STEP:
            parts.append(tr("Evidence", "the model hears the target’s voice less"))
        else:
            parts.append(tr("Evidence", "the model hears no more of the target’s voice"))
    cost = _difference(take.evidence, take.control_evidence, "content_distance_db")
    if cost is not None and cost >= AUDIBLE_DB:
        parts.append(tr("Evidence", "the spectrum moved {0} dB further from the original").format(f"{cost:.1f}"))
    return (
        tr("Evidence", "Against the reconstruction alone, {0}.").format(", ".join(parts)).replace(" %", "\u00a0%")
    )


def shift_words(take: Take) -> str:
    """Pitch shift of a take for a narrow column."""
    return _semitones(take.evidence.f0_shift_semitones)


def _difference(after: Evidence, before: Evidence, name: str) -> float | None:
    a, b = getattr(after, name), getattr(before, name)
    return None if a is None or b is None else float(a - b)


def _hz(value: float | None) -> str:
    return DASH if value is None else f"{value:.0f} Hz"


def _semitones(value: float | None) -> str:
    return DASH if value is None else f"{value:+.1f} st"


def _percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.0f} %"


def _cosine(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def _db(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f} dB"
