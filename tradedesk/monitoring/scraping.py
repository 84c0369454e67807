"""Who may read the metrics: this machine and allowed addresses, or whoever has the token. Never the public."""

from collections.abc import Iterable
from hmac import compare_digest
from ipaddress import ip_address, ip_network

from django.conf import settings
from django.http import HttpRequest

# What a proxy adds; then the address is the proxy's and says nothing.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via")


def may_scrape(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        if compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode()):
            return True
    if settings.BEHIND_PROXY or any(name in request.headers for name in FORWARDED):
        return False
    return is_among(request.META.get("REMOTE_ADDR", ""), settings.METRICS_ALLOW)


def is_among(address: str, networks: Iterable[str]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in ip_network(network, strict=False) for network in networks)
