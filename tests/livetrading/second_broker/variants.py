"""What second brokers can do: the variants of protection that the pipeline knows, besides that of the
simulation."""

from livetrading.brokers.protocol import Capabilities

# Stops and limits are orders of their own, and change by a cancel and a new order.
SEPARATE = Capabilities(separate_exits=True, fractional=True, unique_client_ids=True)
# The same, and a working order can be replaced.
REPLACING = Capabilities(separate_exits=True, replace=True, fractional=True, unique_client_ids=True)
# They travel with the entry at absolute prices, become valid once it is filled completely, and can be replaced.
ATTACHED = Capabilities(
    attached_exits_at_price=True, separate_exits=True, replace=True, fractional=True, unique_client_ids=True
)
# The broker holds no stops: the desk guards them.
GUARDED = Capabilities(fractional=True, unique_client_ids=True)

VARIANTS = {"separate": SEPARATE, "replacing": REPLACING, "attached": ATTACHED, "guarded": GUARDED}
