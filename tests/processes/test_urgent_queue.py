"""The first check of a deployment runs before messages that were queued earlier, on the real queue."""

import re
import signal
import sys
from pathlib import Path

import pytest
import redis
from celery import Celery

from livetrading.services.queue import CHECK_NOW_TASK, TICK_TASK
from tests.processes.compose import SECRETS, compose
from tests.processes.prepared import copy_prepared_folder
from tests.processes.process import Process, free_port
from tradedesk.celery import make_app

pytestmark = pytest.mark.processes
SLOW = 50
# Run in the desk's process: it prints the name of each task that starts, and makes ticks slow.
PRINTING = """
import os, time
from celery.signals import task_prerun
@task_prerun.connect(weak=False)
def say(task, **_):
    name = task.name.rpartition(".")[2]
    os.write(1, f"ran {{name}}\\n".encode())
    time.sleep({seconds} if name == "tick_account" else 0)
"""
SEND = """
from celery import current_app
from django.dispatch import receiver
from tradedesk.signals import desk_started
@receiver(desk_started, weak=False)
def enqueue(**_):
    for number in range(50):
        current_app.send_task("livetrading.tasks.tick_account", args=(number, "2010-01-04T21:00:00+00:00"))
    current_app.send_task("livetrading.tasks.check_now", args=(0,))
"""


def queue_slow_messages(app: Celery) -> None:
    for number in range(SLOW):
        app.send_task(TICK_TASK, args=(number, "2010-01-04T21:00:00+00:00"))


def names_of_tasks(output: str) -> list[str]:
    return re.findall(r"^ran (\w+)", output, re.MULTILINE)


def test_the_trading_worker_of_compose_takes_it_first(tmp_path: Path, database_url: str, redis_url: str) -> None:
    service = compose(SECRETS)["services"]["worker"]
    assert service["command"][:4] == ["celery", "-A", "tradedesk", "worker"]
    arguments = service["command"][3:]
    threads = int(arguments[arguments.index("--concurrency") + 1])
    app = make_app(set_as_current=False)
    app.conf.update(broker_url=redis_url)
    queue_slow_messages(app)
    app.send_task(CHECK_NOW_TASK, args=(1,))
    with redis.Redis.from_url(redis_url) as client:
        assert {name: client.llen(name) for name in ("celery", "urgent")} == {"celery": SLOW, "urgent": 1}
    environment = {name: str(value) for name, value in service["environment"].items()}
    given = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DESK_DATA_DIR": str(tmp_path / "data")}
    start = ["from tradedesk.celery import app", f"app.worker_main({arguments!r})"]
    command = [sys.executable, "-c", "\n".join([PRINTING.format(seconds=0.3), *start])]
    with Process(command, tmp_path / "worker.log", {**environment, **given}) as worker:
        worker.wait_until(lambda: names_of_tasks(worker.output()).count("tick_account") == SLOW)
        ran = names_of_tasks(worker.output())
        worker.stop(signal.SIGTERM)
    # At most the messages that it takes in one go, before it knows of both queues, come first.
    assert ran.index("check_now") <= threads


def test_on_the_one_process_desk_it_does_not_wait_for_busy_threads(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    start = ["import sys, manage", "sys.argv = ['manage.py', 'desk']", PRINTING.format(seconds=3600), SEND]
    command = [sys.executable, "-c", "\n".join([*start, "manage.main()"])]
    given = {"DESK_DATA_DIR": str(folder), "PORT": str(free_port())}
    with Process(command, tmp_path / "desk.log", given) as desk:
        desk.wait_until(lambda: "check_now" in names_of_tasks(desk.output()))
        desk.wait_until(lambda: names_of_tasks(desk.output()).count("tick_account") == 8)
        assert desk.stop(signal.SIGINT, timeout=15) == 0
