"""What a take measurably changed: rows for a table with the control beside the result, and plain sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from engine.api import Evidence, Take
from studio.domain.transfer_setup import span_words

# Below these differences from the control, listeners do not tell two renderings of a sentence apart.
AUDIBLE_SEMITONES = 0.5
AUDIBLE_DB = 0.5  # of the distance to the original
AUDIBLE_DIFFERENCE_DB = 1.0  # of one smooth spectrum from another
COSINE_STEP = 0.05  # smaller moves of the model's own reading mean nothing
POSTERIOR_STEP = 0.1
PAST_TARGET = 1.15
NEAR_SEMITONES = 0.5  # a target whose pitch is so near is no target for the pitch
DASH = "–"


@dataclass(frozen=True)
class Row:
    """One measurement of the three sounds, in words for the table."""

    name: str
    why: str
    original: str
    control: str
    transformed: str

    @property
    def known(self) -> bool:
        """Whether anything was measured at all."""
        return (self.control, self.transformed) != (DASH, DASH)


def rows(take: Take) -> list[Row]:
    """The measurements of a take, the most telling first: the same rows for every take."""
    tr = QCoreApplication.translate
    before, control, after = take.source_f0_hz, take.control_evidence, take.evidence
    edited = take.edited
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
            tr("Evidence", "In edited seconds"),
            tr("Evidence", "Pitch shift within the seconds that were edited."),
            DASH,
            _semitones(edited.control_shift_semitones if edited else None),
            _semitones(edited.shift_semitones if edited else None),
        ),
        Row(
            tr("Evidence", "Voice (h) like the source"),
            tr("Evidence", "Cosine of the voice (h) of this sound with the source's; 1 = the same."),
            "1.00",
            _cosine(control.h_cosine_source),
            _cosine(after.h_cosine_source),
        ),
        Row(
            tr("Evidence", "Voice (h) like the target"),
            tr("Evidence", "Cosine of the voice (h) of this sound with the target's; 1 = the same."),
            DASH,
            _cosine(control.h_cosine_target),
            _cosine(after.h_cosine_target),
        ),
        Row(
            tr("Evidence", "Female voice"),
            tr("Evidence", "Probability of a female voice, by the model's probe of gender on voice (h)."),
            DASH,
            _percent(control.gender),
            _percent(after.gender),
        ),
        _emotion_row(control, after),
        Row(
            tr("Evidence", "Pitch range"),
            tr("Evidence", "From the 5th to the 95th percentile of the pitch, in semitones."),
            DASH,
            _width(control.f0_range_semitones),
            _width(after.f0_range_semitones),
        ),
        Row(
            tr("Evidence", "Spectral tilt"),
            tr("Evidence", "Slope of the mean spectrum, in dB per octave; less negative = more vocal effort."),
            DASH,
            _tilt(control.tilt_db_per_octave),
            _tilt(after.tilt_db_per_octave),
        ),
        Row(
            tr("Evidence", "Content distance"),
            tr("Evidence", "Mel-cepstral distance to the original, aligned in time; less keeps the words better."),
            DASH,
            _db(control.content_distance_db),
            _db(after.content_distance_db),
        ),
        Row(
            tr("Evidence", "From the control"),
            tr("Evidence", "Difference of the smooth spectrum from the reconstruction's; under 1 dB is not heard."),
            DASH,
            DASH if take.difference_db is None else "0.0 dB",
            _db(take.difference_db),
        ),
        Row(
            tr("Evidence", "Level"),
            tr("Evidence", "Root mean square level of the sound."),
            DASH,
            f"{control.level_dbfs:.1f} dBFS".replace("-", "−"),
            f"{after.level_dbfs:.1f} dBFS".replace("-", "−"),
        ),
    ]


def is_audible(take: Take) -> bool:
    """Whether the result differs from the control by more than a listener misses, as a whole or where edited."""
    pitch = _difference(take.evidence, take.control_evidence, "f0_shift_semitones")
    content = _difference(take.evidence, take.control_evidence, "content_distance_db")
    apart = [take.difference_db]
    shifts = [pitch]
    if take.edited is not None:
        apart.append(take.edited.difference_db)
        shifts.append(_minus(take.edited.shift_semitones, take.edited.control_shift_semitones))
    return (
        any(abs(shift) >= AUDIBLE_SEMITONES for shift in shifts if shift is not None)
        or abs(content or 0.0) >= AUDIBLE_DB
        or any(db >= AUDIBLE_DIFFERENCE_DB for db in apart if db is not None)
    )


def sentence(take: Take) -> str:
    """What this transfer changed, each time beside what the reconstruction alone does, in plain sentences."""
    if not is_audible(take):
        return _nothing_changed(take)
    parts = [_of_edited(take)] if take.edited is not None else []
    if take.edited is None or take.voice or take.emotion:
        parts.append(_of_pitch(take))
    parts += [part for part in (_of_voice(take), _of_gender(take), _of_emotion(take), _of_content(take)) if part]
    return " ".join(part for part in parts if part)


def shift_words(take: Take) -> str:
    """Pitch shift of a take for a narrow column."""
    return _semitones(take.evidence.f0_shift_semitones)


def _nothing_changed(take: Take) -> str:
    tr = QCoreApplication.translate
    pitch = _difference(take.evidence, take.control_evidence, "f0_shift_semitones")
    if pitch is None:
        return tr(
            "Evidence",
            "Nothing audible changed: the result measures like the reconstruction alone (no voiced pitch).",
        )
    words = tr(
        "Evidence", "Nothing audible changed: against the reconstruction alone, the pitch differs by {0} semitones"
    ).format(f"{abs(pitch):.1f}")
    if take.difference_db is None:
        return words + tr("Evidence", " and the spectrum measures alike.")
    return words + tr("Evidence", " and the spectrum by {0} dB.").format(f"{take.difference_db:.1f}")


def _of_pitch(take: Take) -> str:
    """ "The pitch moved 6.1 of 9.8 semitones towards the target; the reconstruction alone moves it 0.2." """
    tr = QCoreApplication.translate
    moved, alone = take.evidence.f0_shift_semitones, take.control_evidence.f0_shift_semitones
    if moved is None or alone is None:
        return tr("Evidence", "The pitch could not be measured.")
    way = _way_to_target(take)
    if way is None or abs(way) < NEAR_SEMITONES:
        words = tr("Evidence", "The pitch moved by {0} semitones; the reconstruction alone moves it by {1}.")
        if way is not None:
            words = tr(
                "Evidence",
                "The target speaks at the source's own pitch. The pitch moved by {0} semitones; the reconstruction "
                "alone moves it by {1}.",
            )
        return words.format(_signed(moved), _signed(alone))
    towards, alone_towards = math.copysign(1.0, way) * moved, math.copysign(1.0, way) * alone
    if towards > PAST_TARGET * abs(way):
        words = tr("Evidence", "The pitch moved {0} semitones, past the target at {1}")
    elif towards < 0.0:
        words = tr("Evidence", "The pitch moved {0} semitones away from the target, which lies {1} off")
    else:
        words = tr("Evidence", "The pitch moved {0} of {1} semitones towards the target")
    return words.format(f"{abs(towards):.1f}", f"{abs(way):.1f}") + tr(
        "Evidence", "; the reconstruction alone moves it {0}."
    ).format(_plain(alone_towards))


def _of_edited(take: Take) -> str:
    tr = QCoreApplication.translate
    edited = take.edited
    assert edited is not None
    if edited.shift_semitones is None or edited.control_shift_semitones is None:
        pitch = tr("Evidence", "there is no voice to measure")
    else:
        pitch = tr("Evidence", "the pitch moved by {0} semitones (the reconstruction alone: {1})").format(
            _signed(edited.shift_semitones), _signed(edited.control_shift_semitones)
        )
    words = tr("Evidence", "In the edited seconds ({0}) {1}").format(span_words(edited.seconds), pitch)
    if edited.difference_db is not None:
        words += tr("Evidence", " and the spectrum differs by {0} dB").format(f"{edited.difference_db:.1f}")
    return words + "."


def _of_voice(take: Take) -> str:
    tr = QCoreApplication.translate
    toward = _difference(take.evidence, take.control_evidence, "h_cosine_target")
    if toward is None:
        return ""
    if toward >= COSINE_STEP:
        words = tr("Evidence", "The model hears the target’s voice more ({0}; {1} in the reconstruction alone).")
    elif toward <= -COSINE_STEP:
        words = tr("Evidence", "The model hears the target’s voice less ({0}; {1} in the reconstruction alone).")
    else:
        words = tr("Evidence", "The model hears no more of the target’s voice ({0}; {1} without).")
    return words.format(_cosine(take.evidence.h_cosine_target), _cosine(take.control_evidence.h_cosine_target))


def _of_gender(take: Take) -> str:
    after, control = take.evidence.gender, take.control_evidence.gender
    if after is None or control is None or abs(after - control) < POSTERIOR_STEP:
        return ""
    return QCoreApplication.translate(
        "Evidence", "The gender probe hears a woman at {0} ({1} in the reconstruction alone)."
    ).format(_percent(after), _percent(control))


def _of_emotion(take: Take) -> str:
    name = _risen_emotion(take.control_evidence, take.evidence)
    if name is None or take.evidence.emotion is None or take.control_evidence.emotion is None:
        return ""
    after, control = take.evidence.emotion[name], take.control_evidence.emotion.get(name, 0.0)
    if after - control < POSTERIOR_STEP:
        return ""
    return QCoreApplication.translate(
        "Evidence", "The emotion probe hears {0} at {1} ({2} in the reconstruction alone)."
    ).format(name, _percent(after), _percent(control))


def _of_content(take: Take) -> str:
    cost = _difference(take.evidence, take.control_evidence, "content_distance_db")
    if cost is None or cost < AUDIBLE_DB:
        return ""
    return QCoreApplication.translate(
        "Evidence", "It lies {0} dB further from the original than the reconstruction does."
    ).format(f"{cost:.1f}")


def _way_to_target(take: Take) -> float | None:
    """From the source's pitch to the target's, in semitones."""
    if not take.source_f0_hz or not take.target_f0_hz:
        return None
    return 12.0 * math.log2(take.target_f0_hz / take.source_f0_hz)


def _risen_emotion(control: Evidence, after: Evidence) -> str | None:
    """The emotion whose posterior rose most; None without a probe."""
    if not after.emotion or not control.emotion:
        return None
    before = control.emotion
    return max(after.emotion, key=lambda name: (after.emotion or {})[name] - before.get(name, 0.0))


def _emotion_row(control: Evidence, after: Evidence) -> Row:
    tr = QCoreApplication.translate
    name = _risen_emotion(control, after)
    before, now = (None if e.emotion is None or name is None else e.emotion.get(name) for e in (control, after))
    return Row(
        tr("Evidence", "Emotion: {0}").format(name) if name else tr("Evidence", "Emotion"),
        tr("Evidence", "Probability of the emotion that rose most, by the model's probe of emotion (m)."),
        DASH,
        _percent(before),
        _percent(now),
    )


def _difference(after: Evidence, before: Evidence, name: str) -> float | None:
    return _minus(getattr(after, name), getattr(before, name))


def _minus(a: float | None, b: float | None) -> float | None:
    return None if a is None or b is None else float(a - b)


def _plain(value: float) -> str:
    """Without a sign where it rounds to nothing or is positive."""
    return f"{value:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _signed(value: float) -> str:
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _hz(value: float | None) -> str:
    return DASH if value is None else f"{value:.0f} Hz"


def _semitones(value: float | None) -> str:
    return DASH if value is None else f"{_signed(value)} st"


def _width(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f} st"


def _tilt(value: float | None) -> str:
    return DASH if value is None else f"{_signed(value)} dB/oct"


def _percent(value: float | None) -> str:
    return (
        DASH
        if value is None
        else f"{100 * value + 0.0:.0f}\u00a0%".replace("-0\u00a0", "0\u00a0").replace("-", "−")
    )


def _cosine(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}".replace("-", "−")


def _db(value: float | None) -> str:
    return DASH if value is None else f"{value:.1f} dB"
