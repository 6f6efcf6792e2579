"""The parts of the map panel: points as numbers, the hover card, what is heard, the list, the figure's dialog."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pytestqt.qtbot import QtBot

from engine.api import AudioSpec, MapPoints, MorphDone, StoredClip
from studio.audio.loudspeaker import ClockOutput
from studio.dialogs.export_figure import ExportFigureDialog
from studio.domain.clip import Clip
from studio.panels.map.listening import Audition, loudest, part_of
from studio.panels.map.points.hover_card import MOST_KEPT, HoverCard, Thumbnails
from studio.panels.map.points.point_table import PointTable
from studio.panels.map.search.find_list import MOST_ROWS, FindList, Found, matching
from studio.services.preferences import Preferences
from studio.widgets.elided_label import ElidedLabel

RATE_HZ = 16_000


def points(latent: str, clips: str, each: int) -> MapPoints:
    ids = tuple(clip for clip in clips for _ in range(each))
    index = np.tile(np.arange(each, dtype=np.int32), len(clips))
    return MapPoints(latent, ids, index, np.zeros((len(ids), 2), np.float32), {})


def stored(folder: Path, seconds: float = 3.0) -> StoredClip:
    """Half a second of silence, then a tone."""
    folder.mkdir(parents=True)
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    sound = np.where(times < 0.5, 0.0, 0.5 * np.sin(2 * np.pi * 220.0 * times)).astype(np.float32)
    np.save(folder / "audio.npy", sound)
    np.save(folder / "mel.npy", np.random.default_rng(0).normal(size=(round(64 * seconds), 140)).astype(np.float16))
    (folder / "meta.json").write_text(json.dumps({"audio": AudioSpec().to_dict()}), "utf-8")
    return StoredClip(str(folder))


def test_points_are_known_by_clip_and_place() -> None:
    table = PointTable(points("m", "ab", 3))
    assert table.clips == ["a", "b"]
    assert table.number_of(("b", 2)) == 5
    assert table.number_of(("b", 3)) == -1
    assert table.number_of(("c", 0)) == -1
    assert table.keys_of(table.of_clips(["b", "gone"])) == [("b", 0), ("b", 1), ("b", 2)]
    assert table.holds(points("m", "ab", 3))
    assert not table.holds(points("m", "ab", 2))
    assert not table.holds(points("h", "ab", 3))


def test_maps_of_different_clips_meet_where_they_share_time() -> None:
    seconds, frames = PointTable(points("m", "ab", 2)), PointTable(points("z", "bc", 128))
    chosen = np.array([False, True, True, False])  # a's second 1 and b's second 0
    assert frames.keys_of(frames.meeting(seconds, chosen)) == [("b", frame) for frame in range(64)]
    voices = PointTable(points("h", "cb", 1))
    assert voices.keys_of(voices.meeting(seconds, chosen)) == [("b", 0)]
    assert seconds.keys_of(seconds.meeting(voices, np.array([True, True]))) == [("b", 0), ("b", 1)]


def test_no_points_are_no_trouble() -> None:
    nothing = PointTable(points("z", "", 0))
    assert not nothing.of_clips(["a"]).any()
    some = PointTable(points("m", "a", 2))
    assert not some.meeting(nothing, np.zeros(0, bool)).any()


@pytest.fixture
def thumbnails(qtbot: QtBot) -> Iterator[Thumbnails]:
    made = Thumbnails()
    yield made
    made.close()


def test_a_picture_is_read_in_a_thread_and_then_at_hand(
    thumbnails: Thumbnails, qtbot: QtBot, tmp_path: Path
) -> None:
    folder = stored(tmp_path / "clip").folder
    with qtbot.waitSignal(thumbnails.ready) as ready:
        assert thumbnails.of(folder) is None
    assert ready.args == [folder]
    image = thumbnails.of(folder)
    assert image is not None
    assert not image.isNull()


def test_a_clip_without_a_spectrogram_has_a_card_without_a_picture(
    thumbnails: Thumbnails, qtbot: QtBot, tmp_path: Path
) -> None:
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.of(str(tmp_path / "gone"))
    assert thumbnails.of(str(tmp_path / "gone")) is None
    with qtbot.assertNotEmitted(thumbnails.ready, wait=100):  # it is not tried over and over
        thumbnails.of(str(tmp_path / "gone"))


def test_only_so_many_pictures_are_kept(thumbnails: Thumbnails) -> None:
    for number in range(MOST_KEPT + 20):
        thumbnails.keep(str(number), None)
    assert thumbnails.count == MOST_KEPT


def test_the_card_shows_which_part_is_meant(thumbnails: Thumbnails, qtbot: QtBot, tmp_path: Path) -> None:
    folder = stored(tmp_path / "clip").folder
    card = HoverCard()
    qtbot.addWidget(card)
    with qtbot.waitSignal(thumbnails.ready):
        thumbnails.of(folder)
    card.describe("<b>clip</b>", folder, None)
    card.set_picture(thumbnails.of(folder))
    card.adjustSize()
    whole = card.grab().toImage()
    card.describe("<b>clip</b>", folder, (0.5, 0.6))
    card.set_picture(thumbnails.of(folder))
    part = card.grab().toImage()
    assert whole.size() == part.size()
    assert whole != part
    assert card.has_picture


@pytest.fixture
def audition(qtbot: QtBot) -> Iterator[Audition]:
    made = Audition(Preferences(), open_output=lambda name: ClockOutput(clock=lambda: 0.0))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("latent", "index", "part"),
    [
        ("h", 0, (0.0, 3.0)),
        ("m", 2, (2.0, 3.0)),
        ("m", 4, (4.0, 4.5)),
        ("z", 64, (1.0078 - 0.15, 1.0078 + 0.15)),
        ("z", 0, (0.0, 0.1578)),
    ],
)
def test_a_point_is_heard_where_it_lies_in_its_clip(latent: str, index: int, part: tuple[float, float]) -> None:
    start, stop = part_of(latent, index, 4.5)
    assert start == pytest.approx(part[0] if (latent, index) != ("m", 4) else 3.5, abs=1e-3)
    assert stop == pytest.approx(part[1], abs=1e-3)


def test_a_whole_clip_is_heard_from_where_it_begins_to_sound(tmp_path: Path) -> None:
    sound = stored(tmp_path / "clip").array("audio")
    start, stop = loudest(np.asarray(sound), RATE_HZ, 1.0)
    assert start == pytest.approx(0.4, abs=0.06)
    assert stop - start == pytest.approx(1.0)
    assert loudest(np.zeros(100, np.float32), RATE_HZ, 1.0)[0] == 0.0


def test_scrubbing_plays_and_the_next_point_takes_over(audition: Audition, tmp_path: Path, qtbot: QtBot) -> None:
    folder = stored(tmp_path / "clip").folder
    with qtbot.waitSignal(audition.began):
        audition.scrub(folder, RATE_HZ, "m", ("c", 1))
    assert audition.sounding
    assert audition.player.duration_s == pytest.approx(1.0)
    audition.scrub(folder, RATE_HZ, "z", ("c", 100))
    assert audition.player.duration_s == pytest.approx(0.3, abs=0.01)
    with qtbot.waitSignal(audition.ended):
        audition.stop()
    audition.scrub(str(tmp_path / "gone"), RATE_HZ, "m", ("c", 1))
    assert not audition.sounding


def test_a_morph_tells_which_of_its_steps_sounds(audition: Audition, tmp_path: Path, qtbot: QtBot) -> None:
    path = tmp_path / "morph.wav"
    soundfile.write(path, np.zeros(RATE_HZ, np.float32), RATE_HZ)
    morph = MorphDone("morph", str(path), "h", (0.0, 0.5), (0.4, 0.9), (None, None))
    steps: list[int] = []
    audition.step_changed.connect(steps.append)
    audition.play_morph(morph)
    assert audition.playing_morph
    audition.player.seek(0.1)
    audition.player.seek(0.6)
    assert steps[-2:] == [0, 1]
    audition.stop()
    assert steps[-1] == -1


def test_a_search_wants_every_word_in_any_order_and_case() -> None:
    clips = {
        name: Clip(name, f"/{name}.wav", labels={"speaker": speaker, "emotion": "Happy"})
        for name, speaker in (("one", "Anna"), ("two", "Emil"))
    }
    assert matching(clips, "happy anna") == ["one"]
    assert matching(clips, "HAPPY") == ["one", "two"]
    assert matching(clips, "  ") == []
    assert matching(clips, "happy nobody") == []


def test_a_list_shows_so_many_rows_and_counts_the_rest(qtbot: QtBot) -> None:
    shown = FindList()
    qtbot.addWidget(shown)
    shown.show_rows("found", [Found(("c", i), f"clip {i}") for i in range(MOST_ROWS + 5)])
    assert shown.list.topLevelItemCount() == MOST_ROWS
    assert "5 more" in shown.heading.text()
    assert shown.list.isColumnHidden(1)
    shown.show_rows("near", [Found(("c", 0), "clip", "0.5")])
    assert not shown.list.isColumnHidden(1)


def test_a_label_gives_way_and_tells_the_whole_of_it(qtbot: QtBot) -> None:
    label = ElidedLabel("a very long name of a recording.wav")
    qtbot.addWidget(label)
    label.resize(80, 20)
    label.show()
    assert label.text() != label.whole
    assert "…" in label.text()
    assert label.toolTip() == label.accessibleName() == label.whole
    label.resize(800, 20)
    assert label.text() == label.whole


def test_a_figures_size_and_font_are_remembered(qtbot: QtBot) -> None:
    preferences = Preferences()
    dialog = ExportFigureDialog(preferences)
    qtbot.addWidget(dialog)
    assert dialog.look() == {"width_cm": 16.0, "height_cm": None, "font": "", "font_pt": 8.0}
    dialog.width_cm.setValue(8.4)
    dialog.fits.setChecked(False)
    dialog.height_cm.setValue(6.0)
    dialog.font_pt.setValue(7.0)
    dialog.accept()
    again = ExportFigureDialog(preferences)
    qtbot.addWidget(again)
    assert again.look() == {"width_cm": 8.4, "height_cm": 6.0, "font": "", "font_pt": 7.0}
    assert again.height_cm.isEnabled()
