"""Signals of the one-process desk. The apps receive them, so the project package does not import the apps."""

from django.dispatch import Signal

# The desk serves pages. Sent from a separate thread, so a receiver may take long.
desk_started = Signal()
# The desk is about to stop. Receivers end open streams and must return immediately.
desk_stopping = Signal()
