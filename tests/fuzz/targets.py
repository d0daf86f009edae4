"""What is fuzzed: each reader of files that may come from strangers, fed with bytes by atheris.

``tests/fuzz/run.py`` runs them. A reader may give a result or raise one of the package's own
errors; any other exception, a write, a process, a connection, or a result that is larger than its
file is a finding. ``python tests/fuzz/targets.py NAME FILE`` repeats one, without atheris.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
DATA = TESTS / "weights" / "data"
sys.path[:0] = [str(TESTS), str(TESTS / "weights")]

# Events of the interpreter that no reader has any need of.
FORBIDDEN = ("os.", "shutil.", "socket.", "subprocess.", "tempfile.", "ctypes.", "pickle.", "exec")
HARMLESS = ("os.listdir", "os.scandir")


class Watch:
    """Raises when a reader does what no reader has to do."""

    def __init__(self) -> None:
        self.active = False
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.active:
            return
        if event == "open":
            mode, flags = arguments[1], arguments[2]
            # O_WRONLY and O_RDWR; files without a mode are opened by their number.
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (flags or 0) & 3:
                raise AssertionError(f"a reader wrote: {arguments}")
        elif event.startswith(FORBIDDEN) and event not in HARMLESS:
            raise AssertionError(f"a reader did {event}{arguments!r:.200}")

    @contextmanager
    def reading(self) -> Any:
        self.active = True
        try:
            yield
        finally:
            self.active = False


class Targets:
    """The targets; each takes bytes, of which the first one chooses what they stand for."""

    def __init__(self) -> None:
        import numpy as np
        import torch
        from bundle_bytes import index_of_blocks, split_index

        from sklearn_astromer import AstromerEmbedder
        from sklearn_astromer.errors import AstromerError
        from sklearn_astromer.network import AstromerNetwork, NetworkConfig
        from sklearn_astromer.weights import checkpoint, keras_hdf5, official, tensorflow_bundle

        self.np, self.torch, self.ours = np, torch, AstromerError
        self.embedder, self.checkpoint = AstromerEmbedder, checkpoint
        self.keras_hdf5, self.official, self.bundle = keras_hdf5, official, tensorflow_bundle
        self.index_of_blocks = index_of_blocks
        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self.index = (DATA / "tiny_bundle" / "weights.index").read_bytes()
        self.blocks = split_index(self.index)
        self.numbers = (DATA / "tiny_bundle" / "weights.data-00000-of-00001").read_bytes()
        self.members = {path.name: path.read_bytes() for path in (DATA / "tiny_h5").iterdir()}
        torch.manual_seed(0)
        config = NetworkConfig(embedding_size=4, n_blocks=1, n_heads=2, feedforward_size=2)
        self.network = AstromerNetwork(config)
        saved = AstromerEmbedder()
        saved.network_, saved.history_ = self.network, [{"epoch": 1, "train_rmse": 0.5}]
        saved.save(self.folder / "saved")
        self.json = (self.folder / "saved" / "embedder.json").read_bytes()
        self.safetensors = (self.folder / "saved" / "network.safetensors").read_bytes()
        self.header = {"format": 1, "config": config.to_dict(), "metadata": {"name": "x"}}
        # Whatever is imported late shall not look like the deed of a reader.
        saved.load(self.folder / "saved")
        for name in ("tiny_bundle", "tiny_h5", "tiny_astromer2"):
            official.read_official(DATA / name)
        import encodings.cp437  # noqa: F401 - of the names in zips

        self.watch = Watch()

    def _read(self, reader: Callable[[], Any]) -> Any:
        """Let a reader read; only our own errors are swallowed."""
        with self.watch.reading():
            try:
                return reader()
            except self.ours:
                return None

    def _file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    def bundle_index(self, data: bytes) -> None:
        """The index of a TensorFlow bundle: raw, or blocks whose checksums are made right."""
        index = data[1:]
        if data[:1] > b"\x55":
            index = self.index_of_blocks([data[1:]])
        if data[:1] > b"\xaa":
            index = self.index_of_blocks(_edited(self.blocks, data[1:]))
        found = self._read(lambda: self.bundle.parse_bundle(index, [self.numbers], "here"))
        assert found is None or sum(v.nbytes for v in found.values()) <= len(self.numbers)

    def keras(self, data: bytes) -> None:
        """An HDF5 file."""
        found = self._read(lambda: self.keras_hdf5.read_keras_hdf5(data, "here"))
        assert found is None or sum(value.nbytes for value in found.values()) <= len(data)

    def safetensors_file(self, data: bytes) -> None:
        """A safetensors checkpoint: raw, or with a header whose checksum is made right."""
        content = data[1:]
        if data[:1] > b"\x55":
            content = self._with_header(data[1:])
        path = self._file("network.safetensors", content)
        found = self._read(lambda: self.checkpoint.read_checkpoint(path))
        if found is not None:
            self._read(found.build)

    def _with_header(self, text: bytes) -> bytes:
        from safetensors.torch import save

        state = self.network.state_dict()
        try:
            header = json.loads(text)
            header = header if isinstance(header, dict) else {"config": header}
            header = self.header | header
            header["sha256"] = self.checkpoint._digest(header, state)
            text = json.dumps(header).encode()
        except (ValueError, RecursionError, TypeError):
            pass
        return save(state, metadata={"sklearn_astromer": text.decode("latin-1")})

    def official_zip(self, data: bytes) -> None:
        """A zip of an official checkpoint: raw, or made of other configurations and names."""
        content = data[1:]
        if data[:1] > b"\x55":
            members = dict(self.members)
            name = "conf.json" if data[:1] > b"\xaa" else "config.toml"
            members.pop("conf.json")
            text, _, others = data[1:].partition(b"\x00\x00")
            members[name] = text
            content = _zip(members, others)
        path = self._file("official.zip", content)
        self._read(lambda: self.official.read_official(path))

    def saved_folder(self, data: bytes) -> None:
        """A folder of ``AstromerEmbedder.save``, of which one of the two files is strange."""
        files = {"embedder.json": self.json, "network.safetensors": self.safetensors}
        strange = "embedder.json" if data[:1] > b"\x33" else "network.safetensors"
        files[strange] = data[1:]
        for name, content in files.items():
            self._file(f"saved/{name}", content)
        found = self._read(lambda: self.embedder.load(self.folder / "saved"))
        if found is not None:
            repr(found)
            found.get_params()

    def seeds(self, name: str) -> list[bytes]:
        """Give bytes to start from."""
        if name == "bundle_index":
            raw = [b"\x00" + self.index, *(b"\x60" + block for block in self.blocks)]
            return [*raw, b"\xb0\x05\x00\x07\x00\x80\x01"]
        if name == "keras":
            return [self.members["weights.h5"], *_small_hdf5()]
        if name == "safetensors_file":
            return [b"\x00" + self.safetensors, b"\x60" + json.dumps(self.header).encode()]
        if name == "official_zip":
            toml = (DATA / "tiny_astromer2" / "config.toml").read_bytes()
            whole = _zip({f"tiny/{key}": value for key, value in self.members.items()}, b"")
            return [
                b"\x00" + _zip({"a/conf.json": self.members["conf.json"]}, b""),
                b"\x00" + whole,
                b"\xb0" + self.members["conf.json"] + b"\x00\x00../a\x00\x01b",
                b"\x60" + toml,
            ]
        return [b"\x00" + self.safetensors, b"\x60" + self.json]


NAMES = ("bundle_index", "keras", "safetensors_file", "official_zip", "saved_folder")


def _edited(blocks: list[bytes], edits: bytes) -> list[bytes]:
    """Overwrite bytes of blocks: each edit is a block, a position of two bytes, and a value."""
    changed = [bytearray(block) for block in blocks]
    for at in range(0, len(edits) - 3, 4):
        block = changed[edits[at] % len(changed)]
        block[int.from_bytes(edits[at + 1 : at + 3], "little") % len(block)] = edits[at + 3]
    return [bytes(block) for block in changed]


def _zip(members: dict[str, bytes], others: bytes) -> bytes:
    """Make a zip, with further members whose names, and kinds of compression, are made up."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
        for name in others.split(b"\x00")[:20]:
            kind = (zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)[len(name) % 3]
            info = zipfile.ZipInfo(name.decode("latin-1") or "a")
            info.external_attr = int.from_bytes(name[:4], "little")
            archive.writestr(info, name * 9, compress_type=kind)
    return memory.getvalue()


def _small_hdf5() -> list[bytes]:
    """Make files with little in them, in which a change more often meets what matters."""
    import h5py
    import numpy as np

    files = []
    for options in ({}, {"compression": "gzip"}):
        for libver in ("earliest", "latest"):
            memory = io.BytesIO()
            with h5py.File(memory, "w", libver=libver) as file:
                file.attrs["backend"] = "tensorflow"
                group = file.create_group("a/b")
                group.create_dataset("kernel:0", data=np.ones((2, 3), "f4"), **options)
            files.append(memory.getvalue())
    return files


def main() -> None:
    """Give the bytes of files to one target."""
    name, *paths = sys.argv[1:]
    targets = Targets()
    for path in map(Path, paths):
        getattr(targets, name)(path.read_bytes())


if __name__ == "__main__":
    main()
