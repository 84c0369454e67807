"""Which network addresses a channel may reach. Pure."""

import ipaddress

# IPv6 addresses that a gateway turns into IPv4 ones.
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def may_connect(host: object, *, private: bool) -> bool:
    """Whether a connection to this numeric address is allowed. private: also to the operator's own network; never
    to link-local addresses, where clouds keep their credentials."""
    try:
        address: Address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False  # a socket of this machine, or a name that was not resolved
    address = _meant(address)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return private or address.is_global


def names_this_machine(host: str) -> bool:
    """Whether a host in a URL is plainly not on the internet; names are resolved only when they are sent to."""
    name = host.strip("[]").rstrip(".").lower()
    try:
        return not may_connect(ipaddress.ip_address(name), private=False)
    except ValueError:
        return not name or "." not in name or name in LOCAL_NAMES or name.endswith(LOCAL_ENDINGS)


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one, if there is one."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if address in TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
