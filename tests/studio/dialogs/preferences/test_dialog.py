"""The pages of preferences: the device, the sound, and what lies on the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QMessageBox
from pytestqt.qtbot import QtBot
from stage import Idle, some_take

from engine.api import VOCODERS, Analyse, CacheState, CareForCache, DevicesFound, Done, FindDevices
from studio.dialogs.preferences.device_page import DevicePage
from studio.dialogs.preferences.sound_page import SoundPage, preferred_vocoder
from studio.dialogs.preferences.storage_page import StoragePage
from studio.services.preferences import Preferences
from studio.session.session import Session

GB = 1_000_000_000


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(tmp_path / "s.ini")


FOUND = DevicesFound("cuda:0 (A card)", (("cpu", "cpu, 2 threads"), ("cuda:0", "cuda:0 (A card)")))


def device_page(qtbot: QtBot, session: Session, preferences: Preferences, link: Idle) -> DevicePage:
    page = DevicePage(session.link, preferences)
    qtbot.addWidget(page)
    link.asked(FindDevices)[-1].take(Done(FOUND))
    return page


def test_the_device_that_is_chosen_is_where_jobs_run_from_then_on(
    qtbot: QtBot, session: Session, preferences: Preferences, link: Idle
) -> None:
    page = device_page(qtbot, session, preferences, link)
    assert [page.device.itemText(i) for i in range(3)] == [
        "Automatic: cuda:0 (A card)",
        *(w for _, w in FOUND.devices),
    ]
    page.device.setCurrentIndex(1)
    job = link.submit(Analyse((), "/out"), title="x")
    assert job.request.device == "cpu"
    assert link.submit(Analyse((), "/out", device="cuda:0"), title="x").request.device == "cuda:0"
    again = device_page(qtbot, session, preferences, link)
    assert again.device.currentData() == "cpu"


def test_a_device_that_is_gone_is_shown_as_such(
    qtbot: QtBot, session: Session, preferences: Preferences, link: Idle
) -> None:
    preferences.set("compute/device", "cuda:1")
    page = device_page(qtbot, session, preferences, link)
    assert page.device.currentText() == "cuda:1 (not there now)"
    assert "not there" in page.state.text()
    page.device.setCurrentIndex(0)
    assert page.state.text() == ""


def test_an_engine_that_cannot_tell_is_told_about(
    qtbot: QtBot, session: Session, preferences: Preferences, link: Idle
) -> None:
    page = DevicePage(session.link, preferences)
    qtbot.addWidget(page)
    link.asked(FindDevices)[-1].failed.emit("The engine is gone.", "Start again.", "")
    assert page.state.text() == "The engine is gone. Start again."


def test_the_vocoder_that_is_chosen_is_kept_and_used_from_then_on(
    qtbot: QtBot, session: Session, preferences: Preferences
) -> None:
    assert (preferred_vocoder(preferences), session.transfer.vocoder) == ("auto", "auto")
    page = SoundPage(session.model, session.transfer, preferences)
    qtbot.addWidget(page)
    assert list(page.choices) == ["auto", *VOCODERS]
    assert page.choices["auto"].isChecked()
    shown = {label.text() for label in page.findChildren(QLabel)}
    assert shown >= set(VOCODERS.values())
    page.choices["griffin-lim"].click()
    assert (preferred_vocoder(preferences), session.transfer.vocoder) == ("griffin-lim", "griffin-lim")
    again = SoundPage(session.model, session.transfer, preferences)
    qtbot.addWidget(again)
    assert again.choices["griffin-lim"].isChecked()
    again.choices["auto"].click()
    assert (preferred_vocoder(preferences), session.transfer.vocoder) == ("auto", "auto")


def test_a_preferred_vocoder_of_another_version_leaves_the_word_to_the_model(preferences: Preferences) -> None:
    preferences.set("sound/vocoder", "magic")
    assert preferred_vocoder(preferences) == "auto"


def take_on_disk(session: Session, name: str) -> None:
    sound = session.context.takes_dir / name / f"{name}.wav"
    sound.parent.mkdir(parents=True)
    sound.write_bytes(b"x" * 1000)
    session.takes.add(some_take(name, str(sound)))


def test_takes_off_the_list_are_counted_and_deleted_only_when_that_is_confirmed(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_on_disk(session, "kept")
    take_on_disk(session, "gone")
    take_on_disk(session, "gone too")
    session.takes.remove(2)
    session.takes.remove(1)
    page = StoragePage(session)
    qtbot.addWidget(page)
    qtbot.waitUntil(page.delete_button.isEnabled)
    assert page.sizes["takes"].text() == "3.0 kB"
    assert page.unlisted.text() == "2 takes, 2.0 kB"
    answers = iter(["Cancel", "Delete"])

    def answer(box: QMessageBox) -> int:
        wanted = next(answers)
        next(b for b in box.buttons() if b.text().replace("&", "") == wanted).click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", answer)
    page.delete_button.click()
    assert (session.context.takes_dir / "gone").exists()
    page.delete_button.click()
    qtbot.waitUntil(lambda: not page.delete_button.isEnabled())
    assert [folder.name for folder in session.context.takes_dir.iterdir()] == ["kept"]
    assert page.unlisted.text() == "none"
    assert not session.undo.stack.canUndo()  # what it could bring back has no sound any more


def test_the_cache_is_shown_limited_and_emptied(qtbot: QtBot, session: Session, link: Idle) -> None:
    page = StoragePage(session)
    qtbot.addWidget(page)
    link.asked(CareForCache)[-1].take(Done(CacheState("/cache", 3 * GB, 50 * GB, 7, 2)))
    assert "3.0 GB" in page.used.text()
    assert "9 recordings" in page.used.text()
    page.limit.setValue(20)
    page.limit.editingFinished.emit()
    assert link.asked(CareForCache)[-1].request == CareForCache(limit_bytes=20 * GB)
    page.empty_button.click()
    assert link.asked(CareForCache)[-1].request == CareForCache(clear=True)
