#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
    if sys.argv[1:2] == ["desk"]:
        # The one-process desk serves plain HTTP on this machine unless told that a proxy adds TLS.
        os.environ.setdefault("HTTPS", "0")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
