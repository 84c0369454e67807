"""The keys of the desk in a backup: only when they were asked for, in one file that can be kept apart from it."""

import os
from pathlib import Path

from django.conf import settings

# The variables, and the files in the data folder that have them where the environment does not.
FILES = {"SECRET_KEY": "secret.key", "ENCRYPTION_KEY": "encryption.key", "DEMO_PASSWORD": "demo-password"}


def write_keys(file: Path) -> None:
    """As lines of a .env file, for the owner alone."""
    values = {"SECRET_KEY": settings.SECRET_KEY, "ENCRYPTION_KEY": ",".join(settings.ENCRYPTION_KEYS)}
    if (password := settings.DATA_DIR / FILES["DEMO_PASSWORD"]).exists():
        values["DEMO_PASSWORD"] = password.read_text().strip()
    _write(file, "".join(f"{name}={value}\n" for name, value in values.items()))


def restore_keys(file: Path) -> None:
    """Put the keys of a backup in the place of those that an empty desk has generated. What the environment gives
    stays. After a rotation there are several keys of encryption, in the file a line for each."""
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        if name not in FILES or os.environ.get(name):
            continue
        if name == "ENCRYPTION_KEY":
            settings.ENCRYPTION_KEYS = tuple(value.split(","))
            value = "\n".join(settings.ENCRYPTION_KEYS)
        _write(settings.DATA_DIR / FILES[name], value)


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
