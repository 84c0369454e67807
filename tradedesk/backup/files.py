"""The files of a desk, and their copies in a backup: each is copied once, and linked by the backups after it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages

from tradedesk.backup.manifest import StoredFile, copy_and_hash

BARS = "bars"
# Files that users have sent and not imported: they live for an hour, and their readers expect none.
LEFT_OUT = {"uploads", "__pycache__"}
# The desk replaces its files whole, so one that changes while it is copied is rare.
TRIES = 5


def folders() -> dict[str, Path]:
    """The folders that a backup has besides the database, by their name in it."""
    found = {"strategies": settings.STRATEGY_DIR, "media": Path(settings.MEDIA_ROOT)}
    if (bars := bars_folder()) is not None:
        found[BARS] = bars
    research = storages["research"]
    if isinstance(research, FileSystemStorage):
        found["research"] = Path(research.location)
    return found


def bars_folder() -> Path | None:
    """None for bars in object storage, which has its own versions and copies."""
    url = urlsplit(settings.BARS_URL)
    return Path(url2pathname(url.path)) if url.scheme == "file" else None


def files_below(folder: Path) -> Iterator[Path]:
    """The files that belong into a backup, in their order; without what is being written."""
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and not LEFT_OUT & set(parts) and file.is_file() and not file.is_symlink():
            yield file


@dataclass(slots=True)
class Copier:
    """Copies into the folder `target`. before: the folder of the backup before this one, and its files."""

    target: Path
    before: Path | None = None
    known: dict[str, StoredFile] = field(default_factory=dict)
    files: dict[str, StoredFile] = field(default_factory=dict)
    # The bytes that are not in the backup before.
    new_bytes: int = 0

    def copy_all(self, sources: dict[str, Path]) -> None:
        """Copy what is new or has changed since the last call. Raises OSError."""
        for name, source in sources.items():
            for file in files_below(source):
                try:
                    self._copy(f"{name}/{file.relative_to(source).as_posix()}", file)
                except FileNotFoundError:
                    continue  # replaced in the meantime

    def new_size(self, sources: dict[str, Path]) -> int:
        """The bytes of the files that are not as they are in the backup before."""
        size = 0
        for name, source in sources.items():
            for file in files_below(source):
                old = self.known.get(f"{name}/{file.relative_to(source).as_posix()}")
                with suppress(FileNotFoundError):  # replaced in the meantime
                    stat = file.stat()
                    if old is None or (old.size, old.modified) != (stat.st_size, stat.st_mtime_ns):
                        size += stat.st_size
        return size

    def take(self, path: str, file: Path) -> None:
        """A file that was written into the backup itself."""
        with file.open("rb") as opened, open(os.devnull, "wb") as nothing:
            digest, size = copy_and_hash(opened, nothing)
        self.files[path] = StoredFile(digest, size, file.stat().st_mtime_ns)
        self.new_bytes += size

    def _copy(self, path: str, file: Path) -> None:
        stat = file.stat()
        as_it_is = (stat.st_size, stat.st_mtime_ns)
        if path in self.files and (self.files[path].size, self.files[path].modified) == as_it_is:
            return
        copy = self.target / path
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        old = self.known.get(path)
        if old is not None and (old.size, old.modified) == as_it_is and self._link(path, copy, old.size):
            self.files[path] = old
            return
        self.files[path] = self._copy_bytes(file, copy)

    def _link(self, path: str, copy: Path, size: int) -> bool:
        """Whether the copy of the backup before could be linked; not every file system has links."""
        if self.before is None:
            return False
        earlier = self.before / path
        try:
            if earlier.is_symlink() or earlier.stat().st_size != size:
                return False
            copy.unlink(missing_ok=True)
            os.link(earlier, copy)
        except OSError:
            return False
        return True

    def _copy_bytes(self, file: Path, copy: Path) -> StoredFile:
        unfinished = copy.with_name(f".{copy.name}.unfinished")
        for _ in range(TRIES):
            with file.open("rb") as original, unfinished.open("wb") as opened:
                before = os.fstat(original.fileno())
                digest, size = copy_and_hash(original, opened)
                after = os.fstat(original.fileno())
                opened.flush()
                os.fsync(opened.fileno())
            if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                unfinished.replace(copy)
                self.new_bytes += size
                return StoredFile(digest, size, before.st_mtime_ns)
        raise OSError(f"{file} changes while it is copied.")
