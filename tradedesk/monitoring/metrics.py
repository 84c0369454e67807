"""Figures of the whole desk for Prometheus, read from the database when they are asked for.

So they are the same in every process, and a figure of a process that has ended does not stay. The apps register
their figures. No label names a user, an account or a symbol.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from celery import current_app
from django.conf import settings
from django.utils import timezone
from prometheus_client.core import REGISTRY, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tradedesk.monitoring.deadlines import Looks
from tradedesk.monitoring.heartbeats import read_heartbeats
from tradedesk.monitoring.pulse import pulse_of
from tradedesk.monitoring.stored import read_states

# Seconds for all figures together.
DEADLINE = 3.0

Source = Callable[[datetime], Iterable[Metric]]
_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Add figures. source: makes them at a wall time."""
    _sources[name] = source


class DeskCollector(Collector):
    """What does not answer in time is left out, and counted."""

    def __init__(self) -> None:
        self._looks = Looks[list[Metric]]()

    def describe(self) -> Iterable[Metric]:
        return ()  # without it the figures would be read at the registration

    def collect(self) -> Iterator[Metric]:
        wall_now = timezone.now()
        looks = {
            name: self._looks.start(f"metrics of {name}", partial(_read, source, wall_now))
            for name, source in _sources.items()
        }
        deadline = time.monotonic() + DEADLINE
        answers = GaugeMetricFamily(
            "tradedesk_metrics_answered", "1: the figures were read in time.", labels=["source"]
        )
        for name, look in looks.items():
            found = look.wait_until(deadline)
            answers.add_metric([name], float(found is not None))
            yield from found or ()
        yield answers


def _read(source: Source, wall_now: datetime) -> list[Metric]:
    return list(source(wall_now))


def gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tradedesk_{name}", text, value=value)


def gauges(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> Metric:
    family = GaugeMetricFamily(f"tradedesk_{name}", text, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def process_metrics(wall_now: datetime) -> Iterator[Metric]:
    """Two queries and those of the signs of life."""
    ages = {
        component: pulse_of(moments.values(), wall_now).age for component, moments in read_heartbeats().items()
    }
    text = "Seconds since the last heartbeat; negative for one of the future."
    yield gauges(
        "heartbeat_age_seconds", text, "component", ((str(c), age) for c, age in ages.items() if age is not None)
    )
    text = "0 ok, 1 note, 2 attention, 3 down; as a worker last saw it."
    yield gauges("part_state", text, "part", ((part, float(state)) for part, state in read_states().items()))


def queue_metrics(wall_now: datetime) -> Iterator[Metric]:
    names = (
        settings.CELERY_TASK_DEFAULT_QUEUE,
        settings.URGENT_QUEUE,
        settings.RESEARCH_QUEUE,
        settings.EVIDENCE_QUEUE,
        settings.NOTIFICATION_QUEUE,
    )
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
        channel: Any = broker.default_channel
        lengths = [(name, float(channel._size(name))) for name in names]
    yield gauges("queue_length", "Messages that wait for a worker.", "queue", lengths)


def register_desk_metrics() -> None:
    register("processes", process_metrics)
    register("queue", queue_metrics)
    REGISTRY.register(DeskCollector())
