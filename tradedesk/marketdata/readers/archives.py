"""Files in a ZIP, and compressed files, within limits on their number and their size."""

import gzip
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol, cast

from tradedesk.marketdata.refusal import ImportRefused

MAX_MEMBERS = 5_000
# Unpacked, all files of an archive together; counted while reading, whatever the archive claims.
MAX_BYTES = 2 * 1024 * 1024 * 1024
# Larger files are unpacked to a temporary file on the disk.
IN_MEMORY = 16 * 1024 * 1024
CHUNK = 1 << 20


class Readable(Protocol):
    """What can be read in chunks."""

    def read(self, size: int, /) -> bytes: ...


class Budget:
    """The bytes that may still be unpacked from a file, of all archives in it together."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = self._left = limit or MAX_BYTES

    def spend(self, count: int) -> None:
        """Raises ImportRefused when there are no more."""
        self._left -= count
        if self._left < 0:
            raise ImportRefused(f"The file unpacks to more than {self._limit >> 20:,} MB. Import it in parts.")


def is_zip_of_files(file: BinaryIO) -> bool:
    """Whether it is a ZIP, and not a workbook, which is one too."""
    start = file.read(4)
    file.seek(0)
    if start not in (b"PK\x03\x04", b"PK\x05\x06"):
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            return "[Content_Types].xml" not in archive.namelist() and "mimetype" not in archive.namelist()
    except zipfile.BadZipFile:
        raise ImportRefused("The ZIP file is damaged. Download it again.") from None
    finally:
        file.seek(0)


def count_members(file: BinaryIO) -> int:
    """The number of files in a ZIP."""
    with zipfile.ZipFile(file) as archive:
        return len(_files(archive))


def members(file: BinaryIO, budget: Budget) -> Iterator[tuple[str, BinaryIO | ImportRefused]]:
    """Each file of a ZIP by its name, or why it cannot be read. Raises ImportRefused."""
    with zipfile.ZipFile(file) as archive:
        found = _files(archive)
        if not found:
            raise ImportRefused("The ZIP file is empty.")
        if len(found) > MAX_MEMBERS:
            raise ImportRefused(f"The ZIP file has more than {MAX_MEMBERS:,} files. Import it in parts.")
        for member in sorted(found, key=lambda member: member.filename):
            try:
                with archive.open(member) as packed, _unpacked(packed, budget) as content:
                    yield member.filename, content
            except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError) as error:
                yield member.filename, ImportRefused(f"It could not be unpacked: {error}.")
            except RuntimeError:
                yield member.filename, ImportRefused("It is protected by a password. Unpack it first.")


def gunzipped(file: BinaryIO, budget: Budget) -> BinaryIO:
    """The content of a gzip file. Raises ImportRefused."""
    try:
        with gzip.open(file) as packed:
            return _unpacked(packed, budget)
    except (OSError, EOFError, zlib.error):
        raise ImportRefused("The compressed file is damaged. Download it again.") from None


def _unpacked(packed: Readable, budget: Budget) -> BinaryIO:
    content = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the caller closes it
    while chunk := packed.read(CHUNK):
        budget.spend(len(chunk))
        content.write(chunk)
    content.seek(0)
    return cast("BinaryIO", content)


def _files(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [each for each in archive.infolist() if not each.is_dir() and not _is_hidden(each.filename)]


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
