"""What the hostile broker can do, by the name that an account's credentials have."""

from dataclasses import replace

from livetrading.brokers.protocol import Capabilities
from tests.livetrading.second_broker import variants

# careless: a client id that is sent twice is a second order.
VARIANTS: dict[str, Capabilities] = variants.VARIANTS | {
    "careless": replace(variants.SEPARATE, unique_client_ids=False)
}
