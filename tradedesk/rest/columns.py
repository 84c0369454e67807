"""The answer with the data of a chart: compact JSON, and 304 where the browser has the same."""

import json
from hashlib import blake2b
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response


def columns_response(request: HttpRequest, data: dict[str, Any]) -> HttpResponseBase:
    # Without NaN: it is not JSON, and the chart could not read its data.
    body = json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
    tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
    answer = HttpResponse(body, content_type="application/json", headers={"ETag": tag})
    return get_conditional_response(request, etag=tag, response=answer) or answer
