"""Backups of a desk that runs, and a new desk from a backup.

A backup is a folder: a copy of the database, the bars, the results of research, the plugins, and `manifest.json`
with the checksum of every file. Only a complete one has its name. A file that has not changed since the backup
before is a hard link to that one's copy.
"""


class CannotBackUp(Exception):
    """The message says what to do instead."""


class AlreadyAtWork(CannotBackUp):
    """Another process makes a backup."""
