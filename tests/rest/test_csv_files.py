"""Tables as files for a spreadsheet, sent while they are written."""

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
    """The pieces as the server of that request reads them."""
    if request is PLAIN:
        return [bytes(piece).decode() for piece in response]

    async def read() -> list[str]:
        return [bytes(piece).decode() async for piece in response]

    return async_to_sync(read)()


# Else it was read to its end before the first piece is sent.
@pytest.mark.filterwarnings("error:StreamingHttpResponse must consume")
@pytest.mark.parametrize("request_", [PLAIN, ASYNCHRONOUS], ids=["wsgi", "asgi"])
def test_it_is_sent_in_pieces_as_it_is_written(request_: HttpRequest) -> None:
    asked = 0

    def rows() -> Iterator[list[object]]:
        nonlocal asked
        for number in range(2 * CHUNK_ROWS + 1):
            asked += 1
            yield [number]

    response = csv_file(request_, "numbers.csv", rows())
    assert asked == 0
    pieces = sent(response, request_)
    assert [piece.count("\r\n") for piece in pieces] == [CHUNK_ROWS, CHUNK_ROWS, 1]
    assert "".join(pieces).split() == [str(number) for number in range(2 * CHUNK_ROWS + 1)]
    assert response["Content-Disposition"] == 'attachment; filename="numbers.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"


@given(text=st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_text_comes_back_as_it_was_and_never_as_a_formula(text: str) -> None:
    written = "".join(sent(csv_file(PLAIN, "texts.csv", [[text, 1]])))
    (cells,) = csv.reader(StringIO(written, newline=""))
    assert cells == [f"'{text}" if text.startswith(FORMULA_STARTS) else text, "1"]


def test_a_loss_stays_a_number_and_nothing_stays_empty() -> None:
    assert sent(csv_file(PLAIN, "rows.csv", [[Decimal("-1.50"), -0.25, None]])) == ["-1.50,-0.25,\r\n"]
