#!/usr/bin/env python
"""Django's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradedesk.settings.base")
    # desk-stop is desk_stop: a command may be written with hyphens.
    sys.argv[1:2] = [name.replace("-", "_") if name[:1] != "-" else name for name in sys.argv[1:2]]
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        from tradedesk.audit.origin import acting, of_command
        from tradedesk.database_check import refuse_for_command

        refuse_for_command(sys.argv)
        with acting(of_command(sys.argv)):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        # The user can correct a wrong setting, so show the message without a traceback.
        sys.exit(str(error))


if __name__ == "__main__":
    main()
