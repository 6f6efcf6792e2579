"""The environment is made once, resumed when interrupted, and renewed when what it was made from changes."""

from __future__ import annotations

import json
import subprocess
import time
from collections import namedtuple
from pathlib import Path

import environment
import pytest
from environment import STAMP, Environment, SetUpError

# A project without dependencies that builds itself, so that pip needs no network.
BACKEND = """
import base64, hashlib, zipfile

def _wheel(folder):
    info = "tiny-1.dist-info/"
    files = {
        "tiny.py": "ANSWER = 42\\n",
        info + "METADATA": "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\nProvides-Extra: dev\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[info + "RECORD"] = "".join(f"{name},,\\n" for name in [*files, info + "RECORD"])
    with zipfile.ZipFile(folder + "/tiny-1-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return "tiny-1-py3-none-any.whl"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder)

build_editable = build_wheel
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "a project"
    (root / "packaging").mkdir(parents=True)
    (root / "packaging" / "constraints.txt").write_text("tiny==1\n")
    (root / "backend.py").write_text(BACKEND)
    (root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "tiny"\nversion = "1"\noptional-dependencies = {dev = []}\n'
    )
    return root


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[frozenset[str]]:
    """Replaces venv and pip; the list holds the extras of every installation."""
    installed: list[frozenset[str]] = []

    def make(self: Environment) -> None:
        self.scripts.mkdir(parents=True, exist_ok=True)
        self.python.touch()

    monkeypatch.setattr(Environment, "_make", make)
    monkeypatch.setattr(Environment, "_works", lambda self: self.python.exists())
    monkeypatch.setattr(Environment, "_install", lambda self, say, extras: installed.append(extras))
    return installed


def test_a_real_set_up_installs_the_project_and_a_second_one_takes_no_time(project: Path) -> None:
    ours, said = Environment(project), []
    ours.prepare(said.append)
    answer = subprocess.run([ours.python, "-c", "import tiny; print(tiny.ANSWER)"], capture_output=True, text=True)
    assert answer.stdout.strip() == "42"
    assert any("GB" in words for words in said)  # the size is told before it starts
    said.clear()
    begun = time.perf_counter()
    ours.prepare(said.append)
    assert time.perf_counter() - begun < 0.2
    assert said == []


def test_pip_that_fails_ends_in_words_and_leaves_nothing_trusted(project: Path) -> None:
    (project / "pyproject.toml").write_text("[build-system\n")
    ours = Environment(project)
    with pytest.raises(SetUpError, match="start again"):
        ours.prepare(lambda words: None)
    assert not ours.is_ready()


def test_an_interrupted_set_up_is_resumed_in_the_same_environment(
    project: Path, quick: list[frozenset[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Environment, say: object, extras: frozenset[str]) -> None:
        raise KeyboardInterrupt

    ours = Environment(project)
    with monkeypatch.context() as patch:
        patch.setattr(Environment, "_install", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ours.prepare(lambda words: None)
    assert not ours.is_ready()
    said: list[str] = []
    ours.prepare(said.append)
    assert ours.is_ready()
    assert not any("Making" in words for words in said)


@pytest.mark.parametrize("name", ["pyproject.toml", "packaging/constraints.txt"])
def test_a_changed_list_of_packages_means_a_new_set_up(
    project: Path, quick: list[frozenset[str]], name: str
) -> None:
    ours = Environment(project)
    ours.prepare(lambda words: None)
    with open(project / name, "a") as file:
        file.write("# changed\n")
    assert not ours.is_ready()
    ours.prepare(lambda words: None)
    assert len(quick) == 2


def test_another_version_of_python_means_a_new_set_up(
    project: Path, quick: list[frozenset[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = Environment(project)
    ours.prepare(lambda words: None)
    version = namedtuple("version", "major minor")(3, 99)
    monkeypatch.setattr(environment.sys, "version_info", version)
    assert not ours.is_ready()


def test_the_tools_of_the_developer_are_added_once_and_kept(project: Path, quick: list[frozenset[str]]) -> None:
    ours, dev = Environment(project), frozenset({"dev"})
    ours.prepare(lambda words: None)
    assert not ours.is_ready(dev)
    ours.prepare(lambda words: None, dev)
    assert ours.is_ready(dev)
    assert ours.is_ready()
    with open(project / "pyproject.toml", "a") as file:
        file.write("# changed\n")
    ours.prepare(lambda words: None)
    assert quick == [frozenset(), dev, dev]


@pytest.mark.parametrize("content", ["", "[]", '{"key": 1}', '{"key": "x", "extras": 5}', "\x00"])
def test_a_damaged_stamp_is_not_trusted(project: Path, quick: list[frozenset[str]], content: str) -> None:
    ours = Environment(project)
    ours.prepare(lambda words: None)
    (ours.folder / STAMP).write_text(content)
    assert not ours.is_ready()
    ours.prepare(lambda words: None)
    assert json.loads((ours.folder / STAMP).read_text())["extras"] == []


def test_little_free_space_is_said_before_it_starts(
    project: Path, quick: list[frozenset[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")(10**12, 10**12 - 10**8, 10**8)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda path: usage)
    said: list[str] = []
    Environment(project).prepare(said.append)
    assert any("Only 0.1 GB are free" in words for words in said)


def test_an_environment_that_cannot_be_made_ends_in_words(project: Path) -> None:
    (project / ".venv").write_text("a file where the folder should be")
    with pytest.raises(SetUpError, match="could not make"):
        Environment(project).prepare(lambda words: None)


def test_a_package_that_was_half_installed_is_installed_again(project: Path) -> None:
    ours = Environment(project)
    ours.prepare(lambda words: None)
    (ours.folder / STAMP).unlink()
    (described,) = ours.folder.glob("**/site-packages/tiny-1.dist-info")
    (described / "RECORD").unlink()
    (described.parent / "tiny.py").write_text("ANSW")
    ours.prepare(lambda words: None)
    assert (described.parent / "tiny.py").read_text() == "ANSWER = 42\n"
