"""Downloads from a server on this machine: completely or not at all, checked, and resumed."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import pytest
from faulty_disk import full_disk, read_only
from local_server import LocalServer, Serve, listing

from sklearn_astromer.datasets import downloads as module
from sklearn_astromer.datasets.downloads import fetch_file, is_safe

NAME = "lmc/cep/phot.tar.gz"
# Longer than what the sockets hold, so that a cut connection is seen in the midst of it.
CONTENT = hashlib.shake_256(b"photometry").digest(3_000_000)
CUT = 1_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def fetch(server: LocalServer, home: Path) -> Path:
    return fetch_file(server.address, NAME, home, verbose=0)


def cut_off(server: LocalServer, home: Path) -> None:
    server.cut_after = CUT
    with pytest.raises(ConnectionError):
        fetch(server, home)
    server.cut_after = None
    server.asked.clear()


def test__fetch_file__nothing_there__downloads_once_and_records(serve: Serve, home: Path) -> None:
    server = serve({NAME: CONTENT})
    assert fetch(server, home) == fetch(server, home) == home / NAME
    assert server.asked == [(NAME, None)]
    assert (home / NAME).read_bytes() == CONTENT
    assert listing(home) == [NAME, f"{NAME}.json"]
    assert json.loads((home / f"{NAME}.json").read_text()) == {
        "address": f"{server.address}/{NAME}",
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }


def test__fetch_file__verbose__shows_a_progress_bar(
    serve: Serve, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_file(serve({NAME: CONTENT}).address, NAME, home)
    shown = capsys.readouterr().err
    assert "phot.tar.gz: 100%" in shown
    assert "3.00M/3.00M" in shown


def test__fetch_file__put_there_by_hand__is_used_and_recorded(home: Path) -> None:
    (home / NAME).parent.mkdir(parents=True)
    (home / NAME).write_bytes(b"by hand")
    path = fetch_file("https://example.org", NAME, home)
    assert path.read_bytes() == b"by hand"
    assert json.loads((home / f"{NAME}.json").read_text())["size"] == 7


def test__fetch_file__changed_afterwards__is_refused_and_kept(serve: Serve, home: Path) -> None:
    server = serve({NAME: CONTENT})
    fetch(server, home)
    damaged = bytearray(CONTENT)
    damaged[-1] ^= 1
    (home / NAME).write_bytes(damaged)
    with pytest.raises(ValueError, match="not the file that came first") as raised:
        fetch(server, home)
    assert hashlib.sha256(CONTENT).hexdigest() in str(raised.value)
    assert hashlib.sha256(damaged).hexdigest() in str(raised.value)
    assert (home / NAME).read_bytes() == damaged


def test__fetch_file__server_has_another_file_now__is_refused_until_the_record_goes(
    serve: Serve, home: Path
) -> None:
    server = serve({NAME: CONTENT})
    fetch(server, home).unlink()
    server.files = {NAME: b"a new edition"}
    with pytest.raises(ValueError, match=r"not what it gave before.*remove .*phot.tar.gz.json"):
        fetch(server, home)
    assert listing(home) == [f"{NAME}.json"]
    (home / f"{NAME}.json").unlink()
    assert fetch(server, home).read_bytes() == b"a new edition"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"size": 1}', '{"size": "x", "sha256": "y"}'])
def test__fetch_file__record_damaged__is_named(text: str, serve: Serve, home: Path) -> None:
    server = serve({NAME: CONTENT})
    fetch(server, home)
    (home / f"{NAME}.json").write_text(text)
    with pytest.raises(ValueError, match=r"phot.tar.gz.json is damaged"):
        fetch(server, home)


def test__fetch_file__cut_off__nothing_is_used_and_the_next_call_goes_on(
    serve: Serve, home: Path
) -> None:
    server = serve({NAME: CONTENT})
    cut_off(server, home)
    (part,) = listing(home)
    assert part.endswith(".part")
    received = (home / part).stat().st_size
    assert 0 < received <= CUT
    assert CONTENT.startswith((home / part).read_bytes())
    assert fetch(server, home).read_bytes() == CONTENT
    assert server.asked == [(NAME, f"bytes={received}-")]
    # Compressed on the way, positions would not be those of the file.
    assert server.encodings == {"identity"}
    assert listing(home) == [NAME, f"{NAME}.json"]


def test__fetch_file__interrupted_twice__goes_on_twice(
    serve: Serve, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve({NAME: CONTENT})

    class Impatient:
        def __init__(self, *_: object, **__: object) -> None:
            self.left = 3

        def __enter__(self) -> Impatient:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def update(self, _: int) -> None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "progress_bar", Impatient)
        for times in (1, 2):
            with pytest.raises(KeyboardInterrupt):
                fetch(server, home)
            (part,) = listing(home)
            assert (home / part).stat().st_size == 3 * times * module.CHUNK_BYTES
    assert fetch(server, home).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "change",
    [
        {"files": {NAME: CONTENT[::-1]}},
        {"files": {NAME: CONTENT[:10]}},
        {"knows_ranges": False},
        {"tells_version": False},
    ],
    ids=["another file", "a shorter file", "no ranges", "no version"],
)
def test__fetch_file__cannot_go_on__starts_again(
    change: dict[str, object], serve: Serve, home: Path
) -> None:
    server = serve({NAME: CONTENT})
    cut_off(server, home)
    for name, value in change.items():
        setattr(server, name, value)
    assert fetch(server, home).read_bytes() == server.files[NAME]
    assert server.asked[-1] == (NAME, None)
    assert listing(home) == [NAME, f"{NAME}.json"]


@pytest.mark.parametrize("behaviour", [{"tells_version": False}, {"knows_ranges": False}])
def test__fetch_file__server_that_cannot_resume__starts_again(
    behaviour: dict[str, bool], serve: Serve, home: Path
) -> None:
    server = serve({NAME: CONTENT}, **behaviour)
    cut_off(server, home)
    assert fetch(server, home).read_bytes() == CONTENT
    assert listing(home) == [NAME, f"{NAME}.json"]


def test__fetch_file__no_such_file__tells_all_that_helps(serve: Serve, home: Path) -> None:
    server = serve({})
    with pytest.raises(ConnectionError) as raised:
        fetch(server, home)
    for part in ("404", f"{server.address}/{NAME}", str(home), NAME, "SKLEARN_ASTROMER_HOME"):
        assert part in str(raised.value)
    assert listing(home) == []


def test__fetch_file__no_server__keeps_the_part(serve: Serve, home: Path) -> None:
    server = serve({NAME: CONTENT})
    cut_off(server, home)
    before = listing(home)
    with pytest.raises(ConnectionError, match="could not be downloaded"):
        # Nothing listens at port 9 (discard).
        fetch_file("http://127.0.0.1:9/ogle", NAME, home, verbose=0)
    assert listing(home) == before
    assert fetch(server, home).read_bytes() == CONTENT


def test__fetch_file__download_not_wanted__names_the_file(serve: Serve, home: Path) -> None:
    server = serve({NAME: CONTENT})
    with pytest.raises(FileNotFoundError, match=r"phot.tar.gz is not there, and download_if"):
        fetch_file(server.address, NAME, home, download_if_missing=False)
    assert server.asked == []


@pytest.mark.parametrize("address", ["http://example.org/ogle", "ftp://example.org", "here"])
def test__fetch_file__not_https__is_refused(address: str, home: Path) -> None:
    with pytest.raises(ValueError, match="https only"):
        fetch_file(address, NAME, home)
    assert not home.exists()


def test__is_safe__host_that_resembles_this_machine__is_not() -> None:
    assert is_safe("https://example.org/x")
    assert is_safe("http://localhost:80/x")
    assert not is_safe("http://localhost.example.org/x")
    assert not is_safe("http://127.0.0.1@example.org/x")


def test__fetch_file__redirected_to_http__is_refused(
    serve: Serve, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = serve({NAME: CONTENT})
    away = serve({}, redirect=f"{target.address}/{NAME}")
    assert fetch(away, home).read_bytes() == CONTENT
    (home / NAME).unlink()
    monkeypatch.setattr(module, "is_safe", lambda address: target.address not in address)
    with pytest.raises(ConnectionError, match="which is not https"):
        fetch(away, home)
    assert not (home / NAME).exists()


def test__fetch_file__server_unpacks_on_the_way__gives_the_unpacked_file(
    serve: Serve, home: Path
) -> None:
    packed = gzip.compress(CONTENT)
    server = serve({NAME: packed}, headers={"Content-Encoding": "x-gzip"})
    assert fetch(server, home).read_bytes() == CONTENT


def test__fetch_file__folder_cannot_be_written__is_used_without_a_record(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / NAME).parent.mkdir(parents=True)
    (home / NAME).write_bytes(b"by others")

    with monkeypatch.context() as patch:
        read_only(patch)
        assert fetch_file("https://example.org", NAME, home).read_bytes() == b"by others"
    assert listing(home) == [NAME]
    with full_disk(20):
        assert fetch_file("https://example.org", NAME, home).read_bytes() == b"by others"
    assert listing(home) == [NAME]


def test__fetch_file__disk_full__is_an_error_and_goes_on_when_there_is_room(
    serve: Serve, home: Path
) -> None:
    server = serve({NAME: CONTENT})
    with full_disk(CUT), pytest.raises(ConnectionError, match="too large"):
        fetch(server, home)
    assert not (home / NAME).exists()
    assert fetch(server, home).read_bytes() == CONTENT
    assert listing(home) == [NAME, f"{NAME}.json"]
