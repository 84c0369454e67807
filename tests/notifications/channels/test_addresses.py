"""Which addresses a channel may reach."""

import pytest

from tradedesk.notifications.channels.addresses import may_connect, names_this_machine

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
PRIVATE = [
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.3.4", "192.168.1.1", "100.64.0.1", "::1", "fc00::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "198.18.0.1", "240.0.0.1",
]  # fmt: skip
NEVER = [
    "169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "0.0.0.0", "::", "224.0.0.1",
    "ff02::1",
    "/var/run/docker.sock", "", None, "localhost", "1.1", "0x7f.1",
]  # fmt: skip


@pytest.mark.parametrize("host", PUBLIC)
def test_public_addresses_are_reached(host: str) -> None:
    assert may_connect(host, private=False)


@pytest.mark.parametrize("host", PRIVATE)
def test_private_addresses_only_if_the_operator_allows_them(host: str) -> None:
    assert (may_connect(host, private=False), may_connect(host, private=True)) == (False, True)


@pytest.mark.parametrize("host", NEVER)
def test_link_local_addresses_and_what_is_no_address_never(host: object) -> None:
    assert not may_connect(host, private=True)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("example.com", False), ("1.1.1.1", False), ("[2606:4700:4700::1111]", False),
        ("localhost", True), ("LOCALHOST.", True), ("redis", True), ("nas.local", True), ("db.internal", True),
        ("127.0.0.1", True), ("[::1]", True), ("169.254.169.254", True), ("", True),
    ],
)  # fmt: skip
def test_hosts_that_are_plainly_local(host: str, local: bool) -> None:
    assert names_this_machine(host) == local
