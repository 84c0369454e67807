"""Reading the environment strictly: an invalid value stops the desk with a message, without a traceback.

An empty variable counts as not set.
"""

import os
import secrets
from datetime import datetime, time
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from tradedesk.exposure import is_loopback

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
SECRET_LENGTH = 50


def read_text(env: Env, name: str, *, default: str) -> str:
    return str(env.str(name, default="")) or default


def read_choice(env: Env, name: str, choices: tuple[str, ...], *, default: str) -> str:
    value = read_text(env, name, default=default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not “{value}”.")
    return value


def read_flag(env: Env, name: str, *, default: bool) -> bool:
    value = read_text(env, name, default="1" if default else "0").lower()
    if value not in YES + NO:
        # Anything else is refused: HTTPS=ja must not mean no.
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not “{value}”.")
    return value in YES


def read_positive(env: Env, name: str, *, default: float) -> float:
    raw = read_text(env, name, default=str(default))
    try:
        value = float(raw)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number above 0, not “{raw}”.")
    return value


def read_count(env: Env, name: str, *, default: int) -> int:
    raw = read_text(env, name, default=str(default))
    if not (raw.isascii() and raw.isdigit() and 0 < int(raw) < 2**31):
        raise ImproperlyConfigured(f"{name} must be a whole number from 1 to {2**31 - 1}, not “{raw[:40]}”.")
    return int(raw)


def read_time(env: Env, name: str, *, default: str) -> time | None:
    """A time of the day such as 06:00; None for “off”."""
    raw = read_text(env, name, default=default)
    if raw == "off":
        return None
    try:
        return datetime.strptime(raw, "%H:%M").time()  # noqa: DTZ007 - a time of the day
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a time like 06:00, or off, not “{raw[:40]}”.") from None


def read_names(env: Env, name: str, *, default: tuple[str, ...]) -> list[str]:
    """Names separated by commas."""
    return [part.strip() for part in read_text(env, name, default=",".join(default)).split(",") if part.strip()]


def read_origins(env: Env, name: str) -> list[str]:
    """Origins separated by commas, such as https://app.example.com; none by default."""
    origins = read_names(env, name, default=())
    for origin in origins:
        url = urlsplit(origin)
        if url.scheme not in ("http", "https") or not url.hostname or origin != f"{url.scheme}://{url.netloc}":
            raise ImproperlyConfigured(
                f"{name} must have origins like https://app.example.com, not “{origin[:80]}”."
            )
    return origins


def read_networks(env: Env, name: str, *, default: tuple[str, ...]) -> list[str]:
    """Addresses or networks, separated by commas."""
    networks = read_names(env, name, default=default)
    for network in networks:
        try:
            ip_network(network, strict=False)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} must have addresses or networks like 10.0.0.5 or 10.0.0.0/24, not “{network[:60]}”."
            ) from None
    return networks


def read_folder(env: Env, name: str, *, default: Path) -> Path:
    """The folder; it is created if missing."""
    folder = Path(read_text(env, name, default=str(default))).expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ImproperlyConfigured(f"{name}: the folder {folder} cannot be used ({error.strerror}).") from None
    if not os.access(folder, os.W_OK):
        raise ImproperlyConfigured(f"{name}: the folder {folder} cannot be used (no permission to write there).")
    return folder


def read_host_url(env: Env, name: str, *, default: str) -> str:
    """The address of a host that gets keys: https, and no path. On this machine also http. An empty variable is
    refused: it must never mean the real thing."""
    value = str(env.str(name, default=default))  # with None as the default, an empty one would count as not set
    url = urlsplit(value)
    safe = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
    if not safe or not url.hostname or url.username or value.rstrip("/") != f"{url.scheme}://{url.netloc}":
        raise ImproperlyConfigured(
            f"{name} must look like {default}, not “{value[:80]}”. Remove it for the default."
        )
    return value.rstrip("/")


def read_folder_url(env: Env, name: str, *, default: Path) -> str:
    """The URL of a folder on this machine or in object storage. It may contain a key, so no message repeats it."""
    url = urlsplit(read_text(env, name, default=default.as_uri()))
    is_local = url.scheme == "file" and url.path.startswith("/") and url.path.strip("/")
    if not (is_local and not url.netloc and not url.query) and not (url.scheme == "s3" and url.hostname):
        raise ImproperlyConfigured(
            f"{name} must look like file:///srv/bars or s3://bucket/folder?region=us-east-1."
        )
    return url.geturl()


def folder_storage(url: str) -> dict[str, Any]:
    """Django's settings for a storage in the folder that `read_folder_url` has read."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        options = {"location": url2pathname(parts.path), "allow_overwrite": True}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    return {"BACKEND": "tradedesk.object_storage.FolderStorage", "OPTIONS": {"url": url}}


def read_database(env: Env, name: str, *, default: str) -> dict[str, Any]:
    """Django's settings for the database. The URL contains a password, so no message repeats it."""
    url = read_text(env, name, default=default)
    if url.partition("://")[0] not in ("postgresql", "postgres", "sqlite"):
        raise ImproperlyConfigured(f"{name} must look like postgresql://user:password@host:5432/name.")
    database = dict(Env.db_url_config(url))
    if database["ENGINE"] == "django.db.backends.postgresql":
        # A server that is gone or does not answer is given up: seconds to connect, and half a minute later on.
        limits = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        database["OPTIONS"] = {**limits, **database.get("OPTIONS", {})}
    return database


def read_email(env: Env, name: str) -> dict[str, Any]:
    """Django's settings for the mail server; none for an empty variable. The URL contains a password, so no
    message repeats it."""
    url = read_text(env, name, default="")
    if not url:
        return {}
    if url.partition("://")[0] not in ("smtp", "smtp+tls", "smtp+ssl") or not urlsplit(url).hostname:
        raise ImproperlyConfigured(f"{name} must look like smtp+tls://user:password@host:587.")
    try:
        found = Env.email_url_config(url)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must look like smtp+tls://user:password@host:587.") from None
    return {key: value for key, value in found.items() if key.startswith("EMAIL_") and key != "EMAIL_FILE_PATH"}


def read_redis(env: Env, name: str) -> str:
    url = read_text(env, name, default="")
    if url and url.partition("://")[0] not in ("redis", "rediss", "unix"):
        raise ImproperlyConfigured(f"{name} must look like redis://host:6379/0, or be empty.")
    return url


def read_secret(env: Env, name: str, file: Path) -> str:
    """The secret from the environment, or one that is generated once and stored in `file` for its owner only."""
    if value := read_text(env, name, default=""):
        return _long_enough(name, value)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as opened:
        secret = secrets.token_urlsafe(48)
        opened.write(secret)
    return secret


def read_secrets(env: Env, name: str, file: Path) -> tuple[str, ...]:
    """Several secrets separated by commas, newest first; without any, the lines of `file`, of which the first one
    is made as read_secret makes it."""
    given = read_names(env, name, default=())
    return tuple(_long_enough(name, value) for value in given) or tuple(read_secret(env, name, file).split())


def prepend_secret(file: Path) -> tuple[str, ...]:
    """Put a new secret before the others of the file. Returns all. The file is replaced as a whole."""
    found = (secrets.token_urlsafe(48), *file.read_text().split())
    unfinished = file.with_name(f"{file.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write("\n".join(found))
        opened.flush()
        os.fsync(descriptor)
    unfinished.replace(file)
    return found


def _long_enough(name: str, value: str) -> str:
    if len(value) < SECRET_LENGTH:
        raise ImproperlyConfigured(
            f"{name} must have at least {SECRET_LENGTH} random characters, not {len(value)}."
        )
    return value
