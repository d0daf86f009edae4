"""Reach the files of an official checkpoint, in a folder or in a zip, without trusting either."""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from pathlib import Path, PurePath, PurePosixPath

from sklearn_astromer.errors import WeightsError

CONFIGURATION_NAMES = ("conf.json", "config.toml")
WEIGHTS_PREFIX = "weights."
# The released checkpoints have up to 3.6 MB and zips of at most 20 members.
LARGEST_TOTAL = 1 << 26
LARGEST_CONFIGURATION = 1 << 20
LARGEST_NUMBER_OF_MEMBERS = 10_000
# What stands before each entry of the list of members.
MARK_OF_MEMBER = b"PK\x01\x02"
# Float32 weights hardly compress at all: a zip that claims more is made to fill the memory.
LARGEST_COMPRESSION = 20
SMALL_SIZE = 1 << 20
# Others are never used for weights, and decoding them can take any amount of memory.
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
GET_ANEW = "Copy or download it again."
REFUSED = "It is not as the authors of ASTROMER made it: do not use it."

# What zipfile raises has no common ancestor; a password that is needed is a RuntimeError.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
)


class OfficialFiles(ABC):
    """The files of one checkpoint.

    Parameters
    ----------
    source : Path
        Zip or folder, as the user named it.
    names : set of str
        Names of the configuration and weights files that are there.
    """

    def __init__(self, source: Path, names: set[str]) -> None:
        self.source = source
        self.names = names
        self.bytes_left = LARGEST_TOTAL

    def describe(self, name: str) -> str:
        """Tell which file this is, for an error."""
        return f"{name} in {self.source}"

    def read(self, name: str) -> bytes:
        """Read a file.

        Raises
        ------
        WeightsError
            If it is missing, damaged or too large.
        """
        if name not in self.names:
            raise WeightsError(f"{self.source} has no file {name}. {GET_ANEW}")
        size = self._size(name)
        self.bytes_left -= size
        if self.bytes_left < 0 or (name in CONFIGURATION_NAMES and size > LARGEST_CONFIGURATION):
            raise WeightsError(
                f"{self.describe(name)} is too large to belong to a checkpoint. {REFUSED}"
            )
        return self._read(name)

    @abstractmethod
    def _size(self, name: str) -> int: ...

    @abstractmethod
    def _read(self, name: str) -> bytes: ...


class FilesInFolder(OfficialFiles):
    """Files of a checkpoint in a folder."""

    def __init__(self, source: Path, folder: Path) -> None:
        files = (item for item in folder.iterdir() if item.is_file())
        super().__init__(source, {item.name for item in files if _wanted(item)})
        self.folder = folder

    def _size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def _read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()


class FilesInZip(OfficialFiles):
    """Files of a checkpoint in a zip, read in memory; nothing is ever unpacked to disk."""

    def __init__(self, source: Path, members: dict[str, zipfile.ZipInfo]) -> None:
        super().__init__(source, set(members))
        self.members = members

    def _size(self, name: str) -> int:
        return self.members[name].file_size

    def _read(self, name: str) -> bytes:
        member = self.members[name]
        try:
            with zipfile.ZipFile(self.source) as archive, archive.open(member) as file:
                # Never more than declared, whatever the compressed bytes would grow to.
                return file.read(member.file_size)
        except _ZIP_ERRORS as error:
            raise WeightsError(
                f"{self.source} is damaged at {member.filename}: {error}. {GET_ANEW}"
            ) from error


def open_official(path: Path) -> OfficialFiles:
    """Find configuration and weights of an official checkpoint.

    Parameters
    ----------
    path : Path
        Zip file, or folder.

    Returns
    -------
    files : OfficialFiles

    Raises
    ------
    FileNotFoundError
        If there is nothing at `path`.
    WeightsError
        If it holds no checkpoint, is damaged, or is a zip that is made to do harm.
    """
    if path.is_dir():
        return _open_folder(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no checkpoint at {path}.")
    return _open_zip(path)


def _wanted(path: PurePath) -> bool:
    """Tell whether a file belongs to a checkpoint, as opposed to training logs and the like."""
    return path.name in CONFIGURATION_NAMES or path.name.startswith(WEIGHTS_PREFIX)


def _open_folder(path: Path) -> OfficialFiles:
    # The authors' zips hold one folder: whoever unpacks one may name either.
    for folder in (path, *sorted(item for item in path.iterdir() if item.is_dir())):
        if any((folder / name).is_file() for name in CONFIGURATION_NAMES):
            return FilesInFolder(path, folder)
    raise _no_checkpoint(path)


def _no_checkpoint(path: Path) -> WeightsError:
    return WeightsError(
        f"{path} holds no official checkpoint: no {' or '.join(CONFIGURATION_NAMES)}. Give a zip "
        "or folder as the authors of ASTROMER release them, or what AstromerEmbedder.save wrote."
    )


def _open_zip(path: Path) -> OfficialFiles:
    size = path.stat().st_size
    if size > LARGEST_TOTAL:
        raise WeightsError(f"{path} is refused: {size} bytes are too many. {REFUSED}")
    # Before it is opened, since what describes a member takes ten times its bytes in memory.
    n_members = path.read_bytes().count(MARK_OF_MEMBER)
    if n_members > LARGEST_NUMBER_OF_MEMBERS:
        raise WeightsError(
            f"{path} is refused: {n_members} members are too many for a checkpoint. {REFUSED}"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except _ZIP_ERRORS as error:
        raise WeightsError(f"{path} is damaged, or no zip file: {error}. {GET_ANEW}") from error
    unpacked = sum(member.file_size for member in members)
    if unpacked > max(SMALL_SIZE, LARGEST_COMPRESSION * size):
        raise WeightsError(f"{path} is refused: it would unpack to {unpacked} bytes. {REFUSED}")
    for member in members:
        _refuse_dangerous(member, path)

    files = [member for member in members if not member.is_dir()]
    configurations = [
        PurePosixPath(member.filename)
        for member in files
        if PurePosixPath(member.filename).name in CONFIGURATION_NAMES
    ]
    if not configurations:
        raise _no_checkpoint(path)
    # Copies that editors leave lie deeper than the real one.
    folder = min(configurations, key=lambda name: (len(name.parts), str(name))).parent
    chosen: dict[str, zipfile.ZipInfo] = {}
    for member in files:
        name = PurePosixPath(member.filename)
        if name.parent == folder and _wanted(name):
            if name.name in chosen:
                raise WeightsError(f"{path} is refused: {name} is in it twice. {REFUSED}")
            chosen[name.name] = member
    return FilesInZip(path, chosen)


def _refuse_dangerous(member: zipfile.ZipInfo, path: Path) -> None:
    """Raise if a member could end up outside of its folder, if the zip were unpacked."""
    # Not even those that are not read: such a file is not what the authors released.
    name = member.filename
    parts = name.replace("\\", "/").split("/")
    if not name:
        raise WeightsError(f"{path} is refused: a member has no name. {REFUSED}")
    if name.startswith(("/", "\\")) or ".." in parts or (len(name) > 1 and name[1] == ":"):
        raise WeightsError(
            f"{path} is refused: its member {name!r} points outside of its folder. {REFUSED}"
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise WeightsError(f"{path} is refused: its member {name!r} is a symbolic link. {REFUSED}")
    if member.compress_type not in COMPRESSIONS:
        raise WeightsError(
            f"{path} is refused: its member {name!r} is compressed in an unusual way "
            f"(kind {member.compress_type}). Zip the files again in the usual one."
        )
