"""Zips and folders of official checkpoints, the harmful ones included."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from sklearn_astromer.weights.official import read_official

MakeZip = Callable[[Path, Mapping[str, bytes]], Path]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder


@pytest.fixture
def expect_refusal(
    tmp_path: Path, folder: Path, listing: Callable[[Path], list[str]]
) -> Callable[[Path, str], None]:
    def expect(path: Path, message: str) -> None:
        before = listing(tmp_path)
        with pytest.raises(ValueError, match=message) as raised:
            read_official(path)
        assert str(path) in str(raised.value)
        assert listing(tmp_path) == before

    return expect


@pytest.mark.parametrize("in_folder", [True, False])
def test__read_official__zip__equals_folder(
    in_folder: bool,
    folder: Path,
    data_folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    tmp_path: Path,
    listing: Callable[[Path], list[str]],
) -> None:
    members = {
        name if in_folder else name.removeprefix("tiny/"): content
        for name, content in tiny_members.items()
    }
    path = make_zip(folder / "tiny.zip", members)
    before = listing(tmp_path)
    found = read_official(path)
    # Nothing is unpacked to disk.
    assert listing(tmp_path) == before
    expected = read_official(data_folder / "tiny_bundle")
    assert found.config == expected.config
    assert all(torch.equal(found.state[name], expected.state[name]) for name in expected.state)


def test__read_official__unpacked_zip__may_be_named_by_its_parent(
    data_folder: Path, folder: Path, make_zip: MakeZip, tiny_members: dict[str, bytes]
) -> None:
    with zipfile.ZipFile(make_zip(folder / "tiny.zip", tiny_members)) as archive:
        archive.extractall(folder / "unpacked")
    assert read_official(folder / "unpacked").config.embedding_size == 16


def test__read_official__copies_of_editors__are_passed_over(
    folder: Path, make_zip: MakeZip, tiny_members: dict[str, bytes]
) -> None:
    members = {"tiny/.copies/conf.json": b"{}", **tiny_members}
    assert read_official(make_zip(folder / "tiny.zip", members)).config.n_blocks == 2


@pytest.mark.parametrize("name", ["../evil", "tiny/../../evil", "/etc/evil", "\\evil", "C:\\evil"])
def test__read_official__member_that_climbs_out__is_refused(
    name: str,
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    path = make_zip(folder / "evil.zip", tiny_members | {name: b"evil"})
    expect_refusal(path, "points outside of its folder")


def test__read_official__member_without_a_name__is_refused(
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    # Found by fuzzing: Python's zipfile cannot tell whether such a member is a folder.
    path = make_zip(folder / "nameless.zip", tiny_members | {"?": b"evil"})
    path.write_bytes(path.read_bytes().replace(b"?", b"\0"))
    expect_refusal(path, "a member has no name")


def test__read_official__symbolic_link__is_refused(
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    path = make_zip(folder / "link.zip", tiny_members)
    link = zipfile.ZipInfo("tiny/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    expect_refusal(path, "is a symbolic link")


def test__read_official__bomb__is_refused(
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    members = tiny_members | {"tiny/weights.bomb": bytes(1 << 24)}
    expect_refusal(make_zip(folder / "bomb.zip", members), "would unpack to 16")


def test__read_official__bomb_that_claims_little__is_noticed(
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    name = "tiny/weights.data-00000-of-00001"
    path = make_zip(folder / "liar.zip", tiny_members | {name: bytes(1 << 24)})
    content = path.read_bytes()
    # The size is stored twice, in front of the member and in the list at the end.
    assert content.count((1 << 24).to_bytes(4, "little")) >= 1
    path.write_bytes(content.replace((1 << 24).to_bytes(4, "little"), (999).to_bytes(4, "little")))
    expect_refusal(path, "damaged at tiny/weights.data")


def test__read_official__too_many_members__is_refused(
    folder: Path, make_zip: MakeZip, expect_refusal: Callable[[Path, str], None]
) -> None:
    path = make_zip(folder / "many.zip", {str(number): b"" for number in range(10_001)})
    expect_refusal(path, "too many")


def test__read_official__member_twice__is_refused(
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    path = make_zip(folder / "twice.zip", tiny_members | {"tiny/conf.jsoN": b"{}"})
    path.write_bytes(path.read_bytes().replace(b"conf.jsoN", b"conf.json"))
    expect_refusal(path, "twice")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test__read_official__unusual_compression__is_refused(
    kind: int,
    folder: Path,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    path = folder / "odd.zip"
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in tiny_members.items():
            archive.writestr(name, content)
    expect_refusal(path, f"compressed in an unusual way .kind {kind}")


@pytest.mark.parametrize("in_zip", [True, False])
def test__read_official__configuration_that_would_fill_the_memory__is_refused(
    in_zip: bool,
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    # Stored in the zip with something that does not shrink, so that all looks usual.
    noise = np.random.default_rng(0).bytes(1 << 20)
    members = tiny_members | {"tiny/conf.json": b" " * (2 << 20), "tiny/noise": noise}
    if in_zip:
        expect_refusal(make_zip(folder / "long.zip", members), "conf.json in .* is too large")
        return
    for name in ("conf.json", "weights.index"):
        (folder / name).write_bytes(members[f"tiny/{name}"])
    expect_refusal(folder, "conf.json in .* is too large")


def test__read_official__file_beyond_the_limit__is_refused_unread(
    folder: Path, data_folder: Path, expect_refusal: Callable[[Path, str], None]
) -> None:
    for path in (data_folder / "tiny_bundle").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    with (folder / "weights.data-00000-of-00001").open("r+b") as file:
        # Without taking room on the disk.
        file.truncate(1 << 33)
    expect_refusal(folder, "weights.data.* is too large")
    with (folder / "large.zip").open("wb") as file:
        file.truncate(1 << 33)
    expect_refusal(folder / "large.zip", "bytes are too many")


def test__read_official__other_zip__says_what_is_missing(
    folder: Path, make_zip: MakeZip, expect_refusal: Callable[[Path, str], None]
) -> None:
    expect_refusal(make_zip(folder / "other.zip", {"a.txt": b""}), "no official checkpoint")
    only_config = {"conf.json": b'{"layers": 1, "heads": 1, "head_dim": 8, "dff": 4, "max_obs": 9'}
    only_config["conf.json"] += b', "dropout": 0}'
    expect_refusal(make_zip(folder / "bare.zip", only_config), "but no weights")


def test__read_official__damaged_zip__is_noticed(
    folder: Path, make_zip: MakeZip, tiny_members: dict[str, bytes], data_folder: Path
) -> None:
    path = make_zip(folder / "tiny.zip", tiny_members)
    content = path.read_bytes()
    expected = read_official(data_folder / "tiny_bundle")
    noticed = 0
    positions = range(0, len(content), 211)
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 0x21
        path.write_bytes(damaged)
        try:
            found = read_official(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017 - logs and dates are not read
            noticed += 1
        else:
            for name, value in expected.state.items():
                assert torch.equal(found.state[name], value)
    assert noticed > 0.8 * len(positions)


@pytest.mark.parametrize("kept", [0, 10, 5000, -10])
def test__read_official__truncated_zip__raises(
    kept: int,
    folder: Path,
    make_zip: MakeZip,
    tiny_members: dict[str, bytes],
    expect_refusal: Callable[[Path, str], None],
) -> None:
    path = make_zip(folder / "tiny.zip", tiny_members)
    path.write_bytes(path.read_bytes()[:kept])
    expect_refusal(path, "damaged, or no zip file")


def test__read_official__nothing_there__raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no checkpoint at"):
        read_official(tmp_path / "nothing.zip")
