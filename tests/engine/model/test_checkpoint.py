"""Model files: what was saved comes back; everything else is refused in words."""

from __future__ import annotations

import errno
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from engine.api.errors import CheckpointError
from engine.api.specs import AudioSpec, ModelSpec, TrainSpec
from engine.model import checkpoint, tensor_file
from engine.model.aux_vae import AuxVAE

SPEC = ModelSpec(
    latent=4,
    global_channels=(4,),
    medium_channels=(4,),
    local_channels=(4,),
    decoder_channels=(4,),
    predictor_m_channels=(4,),
    predictor_h_channels=(4,),
)


@pytest.fixture
def model() -> AuxVAE:
    torch.manual_seed(0)
    made = AuxVAE(SPEC)
    made.set_scaling(torch.randn(140), torch.tensor(1.5))
    return made


@pytest.fixture
def file(tmp_path: Path, model: AuxVAE) -> Path:
    path = tmp_path / "a.triptych.safetensors"
    checkpoint.save(path, model, AudioSpec(), TrainSpec(seed=5), {"speakers": 3}, {"centre": torch.ones(4)})
    return path


def describe(content: bytes) -> dict[str, Any]:
    (length,) = struct.unpack("<Q", content[:8])
    described: dict[str, Any] = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["triptych"])
    return described


def rewrite(file: Path, change: Any, tensors: dict[str, torch.Tensor] | None = None) -> None:
    """Write the file again with a changed description, the hash left as it was."""
    content = file.read_bytes()
    description = describe(content)
    change(description)
    kept = safetensors.torch.load(content) if tensors is None else tensors
    file.write_bytes(safetensors.torch.save(kept, {"triptych": json.dumps(description)}))


def rehash(file: Path) -> None:
    """What a forger who knows the format would do."""
    content = file.read_bytes()
    tensors = safetensors.torch.load(content)
    rewrite(file, lambda d: d.update(hash=tensor_file.content_hash(d, tensors)))


def refusal(file: Path) -> str:
    with pytest.raises(CheckpointError) as refused:
        checkpoint.load(file)
    assert refused.value.hint
    with pytest.raises(CheckpointError):
        checkpoint.inspect(file)
    return refused.value.what


def test_the_vocoder_is_kept_and_files_from_before_there_was_a_choice_mean_griffin_lim(
    file: Path, model: AuxVAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert checkpoint.load(file).vocoder == checkpoint.inspect(file).vocoder == "griffin-lim"
    rewrite(file, lambda d: d.pop("vocoder"))
    rehash(file)
    assert checkpoint.load(file).vocoder == checkpoint.inspect(file).vocoder == "griffin-lim"
    monkeypatch.setitem(checkpoint.VOCODERS, "another", "For a test.")
    checkpoint.save(file, model, AudioSpec(), TrainSpec(), {}, vocoder="another")
    assert checkpoint.load(file).vocoder == checkpoint.inspect(file).vocoder == "another"


@pytest.mark.parametrize("name", ["magic", 7, ["griffin-lim"], None])
def test_a_vocoder_that_is_not_known_is_refused_by_name(file: Path, name: object) -> None:
    rewrite(file, lambda d: d.update(vocoder=name))
    rehash(file)
    for read in (checkpoint.load, checkpoint.inspect):
        with pytest.raises(CheckpointError) as refused:
            read(file)
        assert f"the vocoder {name!r}" in refused.value.what
        assert "Update" in refused.value.hint


def test_what_was_saved_comes_back(file: Path, model: AuxVAE) -> None:
    loaded = checkpoint.load(file)
    for name, value in model.state_dict().items():
        assert torch.equal(loaded.model.state_dict()[name], value), name
    assert loaded.model.spec == SPEC
    assert loaded.audio == AudioSpec()
    assert loaded.train == TrainSpec(seed=5)
    assert loaded.provenance == {"speakers": 3}
    assert torch.equal(loaded.extra["centre"], torch.ones(4))
    assert not loaded.model.training
    assert all(p.requires_grad for p in loaded.model.parameters())


def test_the_same_content_has_the_same_hash_and_other_weights_another(
    tmp_path: Path, file: Path, model: AuxVAE
) -> None:
    again = tmp_path / "b.triptych.safetensors"
    extra = {"centre": torch.ones(4)}
    same = checkpoint.save(again, model, AudioSpec(), TrainSpec(seed=5), {"speakers": 3}, extra)
    assert same == checkpoint.load(file).hash
    with torch.no_grad():
        model.decoder_head.bias[0] += 1e-6
    assert checkpoint.save(again, model, AudioSpec(), TrainSpec(seed=5), {"speakers": 3}, extra) != same


def test_inspect_says_what_the_file_is(file: Path, model: AuxVAE) -> None:
    info = checkpoint.inspect(file)
    assert info.weights == sum(p.numel() for p in model.parameters())
    assert info.model == SPEC.to_dict()
    assert info.provenance == {"speakers": 3}
    assert info.hash == checkpoint.load(file).hash


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "none.triptych.safetensors")


def test_an_empty_file_is_refused(file: Path) -> None:
    file.write_bytes(b"")
    assert "is empty" in refusal(file)


@pytest.mark.parametrize("share", [0.0005, 0.05, 0.5, 0.999])
def test_a_truncated_file_is_refused(file: Path, share: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: max(1, int(len(content) * share))])
    refusal(file)


def test_a_flipped_bit_in_the_weights_is_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(bytes(content))
    assert "was changed" in refusal(file)


def test_an_edited_spec_is_refused(file: Path) -> None:
    rewrite(file, lambda d: d["train"].update(seed=6))
    assert "was changed" in refusal(file)


def test_an_edited_provenance_is_refused(file: Path) -> None:
    rewrite(file, lambda d: d["provenance"].update(speakers=300))
    assert "was changed" in refusal(file)


def test_weights_of_wrong_shapes_are_refused_even_with_a_right_hash(file: Path) -> None:
    rewrite(file, lambda d: d["model"].update(latent=5))
    rehash(file)
    with pytest.raises(CheckpointError, match="do not fit"):
        checkpoint.load(file)


def test_a_model_too_large_for_any_memory_is_refused_without_making_it(file: Path) -> None:
    rewrite(file, lambda d: d["model"].update(local_channels=[10**9, 10**9]))
    rehash(file)
    with pytest.raises(CheckpointError):
        checkpoint.load(file)
    rewrite(file, lambda d: d["model"].update(local_channels=[10**15, 10**15]))
    rehash(file)
    with pytest.raises(CheckpointError):
        checkpoint.load(file)


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path, model: AuxVAE) -> None:
    with torch.no_grad():
        model.decoder_head.bias[0] = float("nan")
    path = tmp_path / "nan.triptych.safetensors"
    checkpoint.save(path, model, AudioSpec(), TrainSpec(), {})
    with pytest.raises(CheckpointError, match="finite"):
        checkpoint.load(path)


def test_a_newer_version_is_refused_as_newer(file: Path) -> None:
    rewrite(file, lambda d: d.update(version=checkpoint.VERSION + 1))
    assert "newer Triptych" in refusal(file)


def test_a_setting_of_a_newer_version_is_named(file: Path) -> None:
    rewrite(file, lambda d: d["model"].update(attention_heads=8))
    rehash(file)
    assert "attention_heads" in refusal(file)


def test_tensors_of_another_program_are_refused(file: Path) -> None:
    safetensors.torch.save_file({"weight": torch.ones(3)}, file)
    assert "another kind or program" in refusal(file)


def test_text_zip_and_pickle_are_refused_and_never_unpickled(file: Path, tmp_path: Path) -> None:
    file.write_text("This is a recipe for pancakes, and it is long enough to look like a header.")
    assert "not a Triptych file" in refusal(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data.pkl", "x" * 100)
    assert "not a Triptych file" in refusal(file)
    trap = tmp_path / "sprung"
    file.write_bytes(pickle.dumps(_Trap(str(trap))))
    assert "not a Triptych file" in refusal(file)
    torch.save({"weights": torch.ones(3)}, file)
    assert "not a Triptych file" in refusal(file)
    assert not trap.exists()


class _Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self.path, "w")


def test_a_header_that_claims_a_huge_length_costs_no_memory(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(struct.pack("<Q", 2**62) + content[8:])
    assert "not a Triptych file" in refusal(file)


def test_a_deeply_nested_header_is_refused(file: Path) -> None:
    text = b'{"a":' + b"[" * 200_000
    file.write_bytes(struct.pack("<Q", len(text)) + text)
    refusal(file)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path)


def test_a_full_disk_leaves_the_old_file_and_no_litter(
    file: Path, model: AuxVAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        checkpoint.save(file, model, AudioSpec(), TrainSpec(), {})
    assert file.read_bytes() == before
    assert [p.name for p in file.parent.iterdir() if p.is_file()] == [file.name]


def test_a_description_of_an_older_version_walks_through_the_migrations(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renamed(description: dict[str, Any]) -> dict[str, Any]:
        return description | {"provenance": {"voices": description["provenance"]["speakers"]}}

    monkeypatch.setattr(checkpoint, "VERSION", 3)
    monkeypatch.setitem(checkpoint.MIGRATIONS, 2, renamed)
    assert checkpoint.load(file).provenance == {"voices": 3}


def test_an_earlier_timescale_recipe_is_refused_in_words_and_plain_models_are_not(file: Path) -> None:
    rewrite(file, lambda d: d.update(version=1))
    rehash(file)
    checkpoint.load(file)

    def timescale(description: dict[str, Any]) -> None:
        description.update(version=1, model=description["model"] | {"views": "timescale"})

    rewrite(file, timescale)
    rehash(file)
    assert "earlier timescale recipe" in refusal(file)
