"""Errors to Sentry, for an operator who gives its address; otherwise the library is not even imported."""

import json
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tradedesk.monitoring.scrubbing import Scrub


def start_sentry(dsn: str, *, release: str, environment: str, scrub: Scrub) -> None:
    """No addresses, cookies or local variables of a user leave the desk, and every text is scrubbed."""
    import sentry_sdk
    from sentry_sdk.utils import BadDsn

    def without_secrets(event: Any, _hint: Any) -> Any:
        return json.loads(scrub(json.dumps(event, default=str)))

    try:
        sentry_sdk.init(
            dsn=dsn,
            release=release,
            environment=environment,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            before_send=without_secrets,
            before_breadcrumb=without_secrets,
            traces_sample_rate=0.0,
        )
    except BadDsn:
        raise ImproperlyConfigured("SENTRY_DSN must look like https://key@host/project.") from None
