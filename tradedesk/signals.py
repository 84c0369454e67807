"""What the desk tells the apps about its own life; they listen, so that the roof need not import them."""

from django.dispatch import Signal

# The pages are served. Sent from a thread of its own: a receiver may take its time (compile kernels, say).
desk_started = Signal()
# The desk is about to stop. Receivers end what holds a connection open, and return at once.
desk_stopping = Signal()
