"""What is in a backup: its manifest.json, and whether the files are still those that were written. Pure."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

NAME = "manifest.json"
# The one of this code. Another number means that an older version cannot restore it.
FORMAT = 1
# The keys of the desk, in a file that may be kept apart from the rest.
KEYS = "keys.env"
DATABASES = {"sqlite": "desk.sqlite3", "postgresql": "desk.dump"}
CHUNK = 1 << 20
Migration = tuple[str, str]


class NotABackup(Exception):
    """The folder has no complete backup that this version reads. The message can be shown to a person."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """modified: of the original, in nanoseconds since 1970."""

    sha256: str
    size: int
    modified: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """database: a key of DATABASES. bars: whether the bars are in it, which they are not when they lie in object
    storage. missing: bars that the database names and the desk itself did not have. files: by their path in the
    backup."""

    version: str
    made_at: datetime
    database: str
    bars: bool
    migrations: frozenset[Migration]
    missing: tuple[str, ...] = ()
    files: dict[str, StoredFile] = field(default_factory=dict)

    @property
    def has_keys(self) -> bool:
        return KEYS in self.files

    @property
    def size(self) -> int:
        return sum(each.size for each in self.files.values())

    def as_json(self) -> str:
        values: dict[str, Any] = {
            "format": FORMAT,
            "version": self.version,
            "made_at": self.made_at.astimezone(UTC).isoformat(),
            "database": self.database,
            "bars": self.bars,
            "keys": self.has_keys,
            "migrations": sorted(self.migrations),
            "missing": sorted(self.missing),
            "files": {path: asdict(each) for path, each in sorted(self.files.items())},
        }
        return json.dumps(values, indent=1) + "\n"


def read_manifest(folder: Path) -> Manifest:
    """Raises NotABackup."""
    try:
        values = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except PermissionError:
        raise NotABackup(
            f"{folder / NAME} belongs to another user of this machine, and may not be read."
        ) from None
    except (OSError, ValueError):
        raise NotABackup(f"{folder} is not a backup: it has no {NAME} that can be read.") from None
    if not isinstance(values, dict) or not isinstance(number := values.get("format"), int):
        raise NotABackup(f"{folder / NAME} is not the manifest of a backup.")
    if number > FORMAT:
        raise NotABackup(f"A newer version of the desk has made {folder}. Restore it with that version.")
    try:
        manifest = Manifest(
            version=str(values["version"]),
            made_at=datetime.fromisoformat(values["made_at"]),
            database=values["database"],
            bars=bool(values["bars"]),
            migrations=frozenset((str(app), str(name)) for app, name in values["migrations"]),
            missing=tuple(values["missing"]),
            files={path: StoredFile(**each) for path, each in values["files"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise NotABackup(f"{folder / NAME} is damaged.") from None
    if DATABASES.get(manifest.database) not in manifest.files or not all(map(_is_inside, manifest.files)):
        raise NotABackup(f"{folder / NAME} is damaged.")
    return manifest


def problems(folder: Path, manifest: Manifest) -> Iterator[str]:
    """What is not as it was written, a sentence for each file. It reads every file. The keys may be missing."""
    for path, stored in sorted(manifest.files.items()):
        file = folder / path
        if not file.is_file() or file.is_symlink():
            if path != KEYS:
                yield f"{path} is missing."
        elif file.stat().st_size != stored.size:
            yield f"{path} has {file.stat().st_size:,} bytes, not {stored.size:,}."
        elif sha256_of(file) != stored.sha256:
            yield f"{path} was changed: its checksum is another."


def sha256_of(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def copy_and_hash(source: BinaryIO, target: BinaryIO) -> tuple[str, int]:
    """The checksum and the size of what was copied."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        digest.update(chunk)
        size += target.write(chunk)
    return digest.hexdigest(), size


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and bool(pure.parts)
