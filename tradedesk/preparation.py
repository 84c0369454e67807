"""What must be in place before the desk serves; each step costs next to nothing when there is nothing to do."""

import hashlib
import io
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder, get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils.module_loading import import_string

from tradedesk.core import COMPILED_ALL
from tradedesk.lock import FileLock

# The source of the style sheet, and builds of the charts and of the API's documentation that no page uses.
NOT_SERVED = ["src/*.css", "*.development.*", "redoc.standalone.js*"]


class NotBuilt(Exception):
    """The front end is missing; the message says how to build it."""


def prepare_data(wall_now: datetime) -> None:
    """Bring the database, the sample bars, the replay and the demo user up to date. Safe to repeat at any time."""
    if migrations_are_missing():
        call_command("migrate", interactive=False, verbosity=0)
    call_command("load_samples", verbosity=0, stdout=io.StringIO())
    if settings.MARKET == "replay":
        import_string("tradedesk.marketdata.replay.ensure_started")(wall_now)
        # A desk on the real market has no user whose password was printed on a screen.
        call_command("seed_demo", verbosity=0)


def compile_kernels(tell: Callable[[str], None]) -> None:
    """Have a process of its own compile what backtests run; this one would keep the memory that it takes.

    Where that does not work, each process compiles what it needs when it needs it.
    """
    if COMPILED_ALL.exists():
        return
    tell("Compiling the backtests' kernels, once for this version ...")
    subprocess.run([sys.executable, "-m", "django", "compile_kernels"], check=False)


def migrations_are_missing() -> bool:
    """Compares names alone: loading all migrations to find nothing to do would take most of a second start."""
    on_disk = {
        (app.label, module.name)
        for app in apps.get_app_configs()
        for module in pkgutil.iter_modules([str(Path(app.path) / "migrations")])
        if not module.name.startswith("_")
    }
    return not on_disk <= set(MigrationRecorder(connection).applied_migrations())


def collect_static_files() -> None:
    """Copy, hash and compress the static files when one has changed since the last time. Raises NotBuilt."""
    if not all(Path(folder).is_dir() for _, folder in FileSystemFinder().locations):
        raise NotBuilt("The front end is not built. Start the desk with “make desk”, or build it with “make css”.")
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    # Several desks may share these files, each with a data folder of its own.
    with FileLock(root / ".lock", "", wait=True):
        stamp, now = root / ".stamp", _fingerprint()
        if stamp.exists() and stamp.read_text() == now:
            return
        # collectstatic would keep what is newer than its source, and npm dates every file to 1985.
        for old in root.glob("[!.]*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NOT_SERVED)
        stamp.write_text(now)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(NOT_SERVED):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
