"""The part of `manage.py check` that reports rejected strategy plugins."""

from typing import Any

from django.core import checks

from strategies.plugins import plugin_files


@checks.register
def warn_about_rejected_plugins(**_: Any) -> list[checks.CheckMessage]:
    return [
        checks.Warning(f"{file.name} cannot be used. {file.reason}", id="strategies.W001")
        for file in plugin_files()
        if file.reason
    ]
