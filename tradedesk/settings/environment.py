"""Reading the environment strictly: a wrong value stops the desk with a sentence, not a traceback."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environ import Env


def read_choice(env: Env, name: str, choices: tuple[str, ...], *, default: str) -> str:
    value: str = env.str(name, default=default)
    if value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not “{value}”.")
    return value


def read_positive(env: Env, name: str, *, default: float) -> float:
    raw: str = env.str(name, default=str(default))
    try:
        value = float(raw)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a number above 0, not “{raw}”.")
    return value


def read_secret(env: Env, name: str, kept_in: Path) -> str:
    """The secret from the environment, else one generated once and kept in the data folder for its owner alone."""
    if value := env.str(name, default=""):
        return str(value)
    try:
        descriptor = os.open(kept_in, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return kept_in.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_urlsafe(48)
        file.write(secret)
    return secret
