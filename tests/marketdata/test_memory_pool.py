"""The allocator of Arrow."""

import pyarrow as pa

import tradedesk


def test_arrow_takes_memory_from_the_system() -> None:
    assert tradedesk.__file__
    assert pa.default_memory_pool().backend_name == "system"
