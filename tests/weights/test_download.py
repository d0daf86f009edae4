"""Download of official weights and the cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pooch
import pytest
import requests
import torch
from faulty_disk import full_disk

from sklearn_astromer.errors import WeightsError
from sklearn_astromer.weights import Checkpoint, WeightsEntry, read_checkpoint
from sklearn_astromer.weights import download as module
from sklearn_astromer.weights.download import fetch, load_official

Downloads = Callable[..., list[str]]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The folder where the fixture `tiny_entry` puts the original file."""
    return tmp_path / "elsewhere"


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> Downloads:
    """Replace the network: what is written for each address, and what is raised thereafter."""

    def replace_network(content: bytes, error: BaseException | None = None) -> list[str]:
        asked: list[str] = []

        class Downloader:
            def __init__(self, progressbar: bool = False, **_: object) -> None:
                assert progressbar

            def __call__(self, url: str, output_file: str, _: object) -> None:
                asked.append(url)
                Path(output_file).write_bytes(content)
                if error is not None:
                    raise error

        monkeypatch.setattr(pooch, "HTTPDownloader", Downloader)
        return asked

    return replace_network


def assert_equal(one: Checkpoint, other: Checkpoint) -> None:
    assert one.config == other.config
    assert one.metadata == other.metadata
    assert one.state.keys() == other.state.keys()
    assert all(torch.equal(value, other.state[name]) for name, value in one.state.items())


def test__fetch__nothing_cached__downloads_once(
    tiny_entry: WeightsEntry,
    cache: Path,
    elsewhere: Path,
    downloads: Downloads,
    listing: Callable[[Path], list[str]],
) -> None:
    content = (elsewhere / "tiny.zip").read_bytes()
    asked = downloads(content)
    assert fetch(tiny_entry) == fetch(tiny_entry) == cache / "tiny.zip"
    assert asked == ["https://example.org/some-commit/tiny.zip"]
    assert (cache / "tiny.zip").read_bytes() == content
    assert listing(cache) == ["tiny.zip"]


def test__fetch__file_put_there_by_hand__is_used(
    tiny_entry: WeightsEntry, cache: Path, elsewhere: Path
) -> None:
    shutil.copy(elsewhere / "tiny.zip", cache)
    assert fetch(tiny_entry) == cache / "tiny.zip"


def test__fetch__wrong_file_put_there_by_hand__is_named_and_kept(
    tiny_entry: WeightsEntry, cache: Path
) -> None:
    (cache / "tiny.zip").write_bytes(b"another file")
    with pytest.raises(ValueError, match="is not the file of the weights") as raised:
        fetch(tiny_entry)
    message = str(raised.value)
    assert str(cache / "tiny.zip") in message
    assert tiny_entry.sha256 is not None
    assert tiny_entry.sha256 in message
    assert hashlib.sha256(b"another file").hexdigest() in message
    assert "Move it away" in message
    assert (cache / "tiny.zip").read_bytes() == b"another file"


@pytest.mark.parametrize("content", [b"", b"<html>Please log in</html>"])
def test__fetch__download_of_another_file__is_refused_and_not_kept(
    content: bytes,
    tiny_entry: WeightsEntry,
    tmp_path: Path,
    downloads: Downloads,
    listing: Callable[[Path], list[str]],
) -> None:
    downloads(content)
    before = listing(tmp_path)
    with pytest.raises(ValueError, match="is not the file of the weights 'tiny-official'"):
        fetch(tiny_entry)
    assert listing(tmp_path) == before


def test__fetch__offline__tells_all_that_helps(
    tiny_entry: WeightsEntry,
    cache: Path,
    tmp_path: Path,
    downloads: Downloads,
    listing: Callable[[Path], list[str]],
) -> None:
    downloads(b"half of the f", requests.exceptions.ConnectionError("no route to host"))
    before = listing(tmp_path)
    with pytest.raises(ConnectionError) as raised:
        fetch(tiny_entry)
    message = str(raised.value)
    for part in (
        "'tiny-official'",
        "no route to host",
        "https://example.org/some-commit/tiny.zip",
        tiny_entry.sha256 or "",
        str(cache),
        "tiny.zip",
        "SKLEARN_ASTROMER_HOME",
        "'macho', 'atlas'",
    ):
        assert part in message
    assert listing(tmp_path) == before


@pytest.mark.parametrize(
    "error", [requests.exceptions.Timeout("slow"), KeyboardInterrupt(), OSError("disk full")]
)
def test__fetch__new_folder_and_failure__leaves_nothing(
    error: BaseException,
    tiny_entry: WeightsEntry,
    tmp_path: Path,
    downloads: Downloads,
    monkeypatch: pytest.MonkeyPatch,
    listing: Callable[[Path], list[str]],
) -> None:
    monkeypatch.setenv("SKLEARN_ASTROMER_HOME", str(tmp_path / "new"))
    downloads(b"half", error)
    before = listing(tmp_path)
    with pytest.raises((ConnectionError, KeyboardInterrupt)):
        fetch(tiny_entry)
    assert listing(tmp_path) == before


def test__fetch__not_https__is_refused(tiny_entry: WeightsEntry, downloads: Downloads) -> None:
    asked = downloads(b"")
    with pytest.raises(ValueError, match="https only"):
        fetch(replace(tiny_entry, address="http://example.org/tiny.zip"))
    assert not asked


def test__fetch__without_a_hash__is_refused(tiny_entry: WeightsEntry, downloads: Downloads) -> None:
    asked = downloads(b"")
    with pytest.raises(WeightsError, match="have no SHA-256"):
        fetch(replace(tiny_entry, sha256=None))
    assert not asked


def test__load_official__convention__is_the_registrys(
    tiny_entry: WeightsEntry, cache: Path, elsewhere: Path
) -> None:
    shutil.copy(elsewhere / "tiny.zip", cache)
    # The file itself says "additive".
    assert load_official(tiny_entry).config.attention == "exclude"
    assert load_official(replace(tiny_entry, attention="additive")).config.attention == "additive"


def test__load_official__second_time__uses_the_conversion(
    tiny_entry: WeightsEntry,
    cache: Path,
    elsewhere: Path,
    listing: Callable[[Path], list[str]],
) -> None:
    shutil.copy(elsewhere / "tiny.zip", cache)
    first = load_official(tiny_entry)
    assert tiny_entry.sha256 is not None
    converted = f"tiny-official-{tiny_entry.sha256[:12]}.safetensors"
    assert listing(cache) == [converted, "tiny.zip"]
    assert read_checkpoint(cache / converted).metadata["sha256"] == tiny_entry.sha256
    # Neither a download nor the original is needed any more.
    (cache / "tiny.zip").unlink()
    assert_equal(load_official(tiny_entry), first)


@pytest.mark.parametrize("position", [0, 9, 300, -1])
def test__load_official__damaged_conversion__is_made_anew(
    position: int, tiny_entry: WeightsEntry, cache: Path, elsewhere: Path
) -> None:
    shutil.copy(elsewhere / "tiny.zip", cache)
    first = load_official(tiny_entry)
    (converted,) = cache.glob("*.safetensors")
    intact = converted.read_bytes()
    damaged = bytearray(intact)
    damaged[position] ^= 0xFF
    converted.write_bytes(damaged)
    assert_equal(load_official(tiny_entry), first)
    assert converted.read_bytes() == intact


def test__load_official__older_conversion__is_made_anew(
    tiny_entry: WeightsEntry, cache: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(elsewhere / "tiny.zip", cache)
    load_official(tiny_entry)
    monkeypatch.setattr(module, "CONVERSION_VERSION", 99)
    assert load_official(tiny_entry).metadata["conversion"] == 99


def test__load_official__cache_cannot_be_written__converts_in_memory(
    tiny_entry: WeightsEntry,
    cache: Path,
    elsewhere: Path,
    monkeypatch: pytest.MonkeyPatch,
    listing: Callable[[Path], list[str]],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("read-only")

    shutil.copy(elsewhere / "tiny.zip", cache)
    monkeypatch.setattr("sklearn_astromer.atomic.tempfile.mkstemp", refuse)
    assert load_official(tiny_entry).build().config.embedding_size == 16
    assert listing(cache) == ["tiny.zip"]


def test__fetch__disk_full__tells_so_and_leaves_nothing(
    tiny_entry: WeightsEntry,
    elsewhere: Path,
    tmp_path: Path,
    downloads: Downloads,
    listing: Callable[[Path], list[str]],
) -> None:
    downloads((elsewhere / "tiny.zip").read_bytes())
    before = listing(tmp_path)
    with full_disk(1000), pytest.raises(ConnectionError, match="too large"):
        fetch(tiny_entry)
    assert listing(tmp_path) == before


def test__load_official__no_room_for_the_conversion__converts_in_memory(
    tiny_entry: WeightsEntry,
    cache: Path,
    elsewhere: Path,
    listing: Callable[[Path], list[str]],
) -> None:
    shutil.copy(elsewhere / "tiny.zip", cache)
    with full_disk(1000):
        assert load_official(tiny_entry).build().config.embedding_size == 16
    assert listing(cache) == ["tiny.zip"]


TWO_AT_ONCE = """
import sys, time
from pathlib import Path
import pooch
from sklearn_astromer.weights import WeightsEntry
from sklearn_astromer.weights.download import load_official

original, sha256, meeting = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
entry = WeightsEntry(
    name="tiny-official", description="", survey="", band="", n_blocks=2, embedding_size=16,
    attention="exclude", licence="", citation="", address="https://example.org/tiny.zip",
    sha256=sha256,
)

class SlowDownloader:
    def __init__(self, **options):
        pass

    def __call__(self, url, output_file, _):
        # Both have found nothing in the cache, and are half way before one of them goes on.
        content = original.read_bytes()
        with open(output_file, "wb", buffering=0) as file:
            file.write(content[: len(content) // 2])
            (meeting / sys.argv[4]).touch()
            while len(list(meeting.iterdir())) < 2:
                time.sleep(0.01)
            file.write(content[len(content) // 2 :])

pooch.HTTPDownloader = SlowDownloader
print(sum(float(value.double().sum()) for value in load_official(entry).state.values()))
"""


def test__load_official__two_processes_at_once__both_get_it_whole(
    tiny_entry: WeightsEntry,
    cache: Path,
    elsewhere: Path,
    tmp_path: Path,
    listing: Callable[[Path], list[str]],
) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    assert tiny_entry.sha256 is not None
    given = [str(elsewhere / "tiny.zip"), tiny_entry.sha256, str(meeting)]
    path = os.pathsep.join(sys.path)
    both = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_AT_ONCE, *given, name],
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "other")
    ]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert sorted(path.name for path in meeting.iterdir()) == ["one", "other"]
    expected = load_official(tiny_entry)
    total = sum(float(value.double().sum()) for value in expected.state.values())
    assert [float(printed) for printed, _ in told] == [total, total]
    converted = f"tiny-official-{tiny_entry.sha256[:12]}.safetensors"
    assert listing(cache) == [converted, "tiny.zip"]
    assert hashlib.sha256((cache / "tiny.zip").read_bytes()).hexdigest() == tiny_entry.sha256
