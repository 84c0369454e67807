"""The steps before the desk can serve pages. A step without work takes almost no time."""

import contextlib
import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder, get_finders
from django.core.management import call_command
from django.utils.module_loading import import_string

from tradedesk.core import COMPILED_ALL
from tradedesk.lock import FileLock
from tradedesk.monitoring.schema import missing_migrations

# Sources of the style sheet, builds of the chart library and of the API documentation that no page uses, and all
# fonts but for upright Latin.
OTHER_FONTS = ["*-italic.woff2", "*-ext-*.woff2", "*-opsz-*.woff2", "*-standard-*.woff2"]
OTHER_SCRIPTS = ["*-cyrillic-*.woff2", "*-greek-*.woff2", "*-vietnamese-*.woff2"]
NOT_SERVED = ["src/*.css", "*.development.*", "redoc.standalone.js*", *OTHER_FONTS, *OTHER_SCRIPTS]


class NotBuilt(Exception):
    """The front end is not built. The message says how to build it."""


def prepare_data(wall_now: datetime) -> None:
    """Migrate the database; create sample bars, replay and demo user if missing; send users who lack the second
    factor back to paper mode. Can be repeated at any time."""
    if migrations_are_missing():
        call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("load_samples", verbosity=0, stdout=io.StringIO())
    if settings.MARKET == "replay":
        import_string("tradedesk.marketdata.replay.ensure_started")(wall_now)
    # The desk prints the password of the demo user, so the real market has none.
    call_command("seed_demo", *([] if settings.DEMO_USER else ["--off"]), verbosity=0)
    import_string("livetrading.services.mode.end_all_live_without_second_factor")(wall_now)
    close_to_others(settings.DATA_DIR)


def close_to_others(folder: Path) -> None:
    """Let only the owner read the data folder and the files directly in it; the folder closes what is below. Files
    that another user owns stay as they are."""
    for path in (folder, *folder.iterdir()):
        with contextlib.suppress(OSError):
            path.chmod(0o700 if path.is_dir() else 0o600)


def compile_kernels(print_line: Callable[[str], None]) -> None:
    """Compile the kernels of backtests in a separate process, because a process never frees the memory this takes.

    If that fails, each process compiles the functions that it calls.
    """
    if COMPILED_ALL.exists():
        return
    print_line("Compiling the backtest kernels, once for this version ...")
    subprocess.run([sys.executable, "-m", "django", "compile_kernels"], check=False)


def migrations_are_missing() -> bool:
    """Loads no migration, which would take most of the time of a second start."""
    return bool(missing_migrations())


def collect_static_files() -> None:
    """Copy, hash and compress the static files if one has changed since the last time. Raises NotBuilt."""
    if not all(Path(folder).is_dir() for _, folder in FileSystemFinder().locations):
        raise NotBuilt("The front end is not built. Start the desk with “make desk”, or build it with “make css”.")
    root = Path(settings.STATIC_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    # Several desks with different data folders may share these files.
    with FileLock(root / ".lock", "", wait=True):
        stamp, fingerprint = root / ".stamp", _fingerprint()
        if stamp.exists() and stamp.read_text() == fingerprint:
            return
        # collectstatic keeps a file that is newer than its source, and npm dates every source to 1985.
        for old in root.glob("[!.]*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        # Another user than the one that collects them may serve these files, as in the container.
        private = os.umask(0o022)
        try:
            call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NOT_SERVED)
        finally:
            os.umask(private)
        stamp.write_text(fingerprint)


def _fingerprint() -> str:
    fingerprint = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list(NOT_SERVED):
            stat = Path(storage.path(path)).stat()
            fingerprint.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return fingerprint.hexdigest()
