"""Sending to channels. Everything that a user's URL can reach is contacted from a child process (child.py)."""
