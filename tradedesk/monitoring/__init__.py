"""Whether the desk works: heartbeats of its processes, the health of its parts, metrics and logs."""
