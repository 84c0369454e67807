"""`make simulate`."""

import os
import sys
from importlib import import_module

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.simulation.settings"
django.setup()

if __name__ == "__main__":
    # What uses models can be imported only now.
    sys.exit(import_module("tests.simulation.command").main())
