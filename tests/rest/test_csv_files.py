"""CSV downloads, sent in chunks."""

import csv
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, StreamingHttpResponse
from django.test import AsyncRequestFactory, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.rest.csv_files import CHUNK_ROWS, FORMULA_STARTS, csv_file

PLAIN, ASYNCHRONOUS = RequestFactory().get("/"), AsyncRequestFactory().get("/")


def sent(response: StreamingHttpResponse, request: HttpRequest = PLAIN) -> list[str]:
    """The chunks as the server of the request reads them."""
    if request is PLAIN:
        return [bytes(chunk).decode() for chunk in response]

    async def read() -> list[str]:
        return [bytes(chunk).decode() async for chunk in response]

    return async_to_sync(read)()


# Django warns when it reads a whole iterator before it sends anything.
@pytest.mark.filterwarnings("error:StreamingHttpResponse must consume")
@pytest.mark.parametrize("request_", [PLAIN, ASYNCHRONOUS], ids=["wsgi", "asgi"])
def test_rows_are_read_and_sent_in_chunks(request_: HttpRequest) -> None:
    read = 0

    def rows() -> Iterator[list[object]]:
        nonlocal read
        for number in range(2 * CHUNK_ROWS + 1):
            read += 1
            yield [number]

    response = csv_file(request_, "numbers.csv", rows())
    assert read == 0
    chunks = sent(response, request_)
    assert [chunk.count("\r\n") for chunk in chunks] == [CHUNK_ROWS, CHUNK_ROWS, 1]
    assert "".join(chunks).split() == [str(number) for number in range(2 * CHUNK_ROWS + 1)]
    assert response["Content-Disposition"] == 'attachment; filename="numbers.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"


@given(text=st.text(st.characters(codec="utf-8"), max_size=20))
def test_text_is_unchanged_but_never_a_formula(text: str) -> None:
    content = "".join(sent(csv_file(PLAIN, "texts.csv", [[text, 1]])))
    (cells,) = csv.reader(StringIO(content, newline=""))
    assert cells == [f"'{text}" if text.startswith(FORMULA_STARTS) else text, "1"]


def test_a_negative_number_stays_a_number_and_none_is_empty() -> None:
    assert sent(csv_file(PLAIN, "rows.csv", [[Decimal("-1.50"), -0.25, None]])) == ["-1.50,-0.25,\r\n"]
