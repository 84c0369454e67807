"""What `manage.py check` says of the folder of own kinds."""

from typing import Any

from django.core import checks

from strategies.plugins import plugin_files


@checks.register
def plugins_are_usable(**_: Any) -> list[checks.CheckMessage]:
    return [
        checks.Warning(f"{file.name} cannot be used. {file.reason}", id="strategies.W001")
        for file in plugin_files()
        if file.reason
    ]
