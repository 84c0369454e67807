"""The preview of rules that are not saved: Alice, Bob, who has other bars, and Charlie, who is logged out."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from strategies import preview
from strategies.kinds import Plugin, kinds
from strategies.preview import BARS

URL = "/dashboard/strategies/preview.json"
RULES = {
    "kind": "sma_crossover",
    "param_fast": "5",
    "param_slow": "20",
    "symbols": "AAPL, IBM",
    "timeframe": "1Day",
    "preview_symbol": "",
    "preview_timeframe": "",
}


@pytest.fixture(autouse=True)
def time_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first test on a machine compiles the kernels."""
    monkeypatch.setattr(preview, "SECONDS", 120)


def columns(browser: Client, **values: str) -> dict[str, Any]:
    response = browser.get(URL, {**RULES, **values})
    assert response.status_code == 200, response.content
    found: dict[str, Any] = json.loads(response.content)
    return found


def refused(browser: Client, **values: str) -> dict[str, str]:
    response = browser.get(URL, {**RULES, **values})
    assert response.status_code == 200
    found: dict[str, str] = response.json()["errors"]
    return found


def test_the_chart_has_the_bars_the_lines_and_the_signals(alices_browser: Client, samples: None) -> None:
    shown = columns(alices_browser)
    assert (shown["symbol"], shown["unit"], len(shown["bars"]["time"])) == ("AAPL", "day", BARS)
    assert [(line["name"], line["pane"]) for line in shown["lines"]] == [("SMA 5", 0), ("SMA 20", 0)]
    # The bars before the first one warm the lines up.
    assert None not in shown["lines"][1]["values"]
    fills, figures = shown["fills"], shown["signals"]
    assert figures == {
        "bars": BARS, "buys": fills["side"].count("buy"), "sells": fills["side"].count("sell"), "warmup": 21
    }  # fmt: skip
    assert figures["buys"] > 10
    assert set(fills["quantity"]) == {None}
    assert "crossed above" in fills["text"][fills["side"].index("buy")]


def test_other_parameters_symbols_and_timeframes(alices_browser: Client, samples: None) -> None:
    assert [line["name"] for line in columns(alices_browser, param_fast="9")["lines"]] == ["SMA 9", "SMA 20"]
    assert columns(alices_browser, preview_symbol="msft")["symbol"] == "MSFT"
    assert columns(alices_browser, symbols="TSLA IBM")["symbol"] == "IBM"
    # Without symbols any series shows what the rules do.
    assert columns(alices_browser, symbols="")["symbol"] == "AAPL"
    assert columns(alices_browser, kind="momentum_rotation", **ROTATION)["symbol"] == "AAPL"


ROTATION = {f"param_{name}": str(param.default) for name, param in kinds()["momentum_rotation"].params().items()}


def test_the_answer_is_not_sent_again_when_it_is_unchanged(alices_browser: Client, samples: None) -> None:
    tag = alices_browser.get(URL, RULES)["ETag"]
    assert alices_browser.get(URL, RULES, headers={"If-None-Match": tag}).status_code == 304
    other = alices_browser.get(URL, {**RULES, "param_fast": "6"}, headers={"If-None-Match": tag})
    assert other.status_code == 200


def test_the_number_of_queries_does_not_depend_on_the_symbols(alices_browser: Client, samples: None) -> None:
    many = " ".join(["AAPL", *(f"S{number}" for number in range(49))])
    columns(alices_browser)
    with CaptureQueriesContext(connection) as one:
        columns(alices_browser, symbols="AAPL")
    with CaptureQueriesContext(connection) as fifty:
        columns(alices_browser, symbols=many)
    assert len(one) == len(fifty)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"param_fast": "1"}, "param_fast"),
        ({"param_fast": "nan"}, "param_fast"),
        ({"param_slow": ""}, "param_slow"),
        ({"param_fast": "50"}, ""),
        ({"kind": "astrology"}, "kind"),
        ({"symbols": "A/../B"}, "symbols"),
        ({"timeframe": "2Day"}, "timeframe"),
        ({"preview_timeframe": "2Day"}, "preview_timeframe"),
        ({"preview_symbol": "../etc"}, "preview_symbol"),
        ({"preview_symbol": "TSLA"}, "preview_symbol"),
        ({"preview_timeframe": "1Min"}, "preview_symbol"),
    ],
)
def test_bad_input_is_refused_at_its_field(
    alices_browser: Client, samples: None, values: dict[str, str], field: str
) -> None:
    errors = refused(alices_browser, **values)
    assert list(errors) == [field]
    assert errors[field]


def test_an_empty_query_is_refused(alices_browser: Client) -> None:
    assert list(alices_browser.get(URL).json()["errors"]) == ["kind", "timeframe", "param_fast", "param_slow"]
    assert alices_browser.post(URL, RULES).status_code == 405


def test_a_preview_that_takes_too_long_is_given_up(
    alices_browser: Client, samples: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SECONDS", 0.01)
    monkeypatch.setattr(preview, "_pool", Stuck())
    response = alices_browser.get(URL, RULES)
    assert response.status_code == 503
    assert response.json()["detail"]
    assert int(response["Retry-After"]) > 0


class Stuck:
    """A pool whose work never ends."""

    def submit(self, *_: Any) -> Any:
        from concurrent.futures import Future

        return Future()


def test_the_code_of_a_plugin_does_not_run(
    alices_browser: Client, samples: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: object) -> None:
        raise AssertionError("the kind was made")

    kind = kinds()["sma_crossover"]
    monkeypatch.setattr("strategies.preview_form.plugin_of", lambda key: Plugin(path=None, code=b"1"))  # type: ignore[arg-type]  # never read
    monkeypatch.setattr(kind, "__init__", run)
    shown = columns(alices_browser)
    assert (shown["lines"], shown["signals"], shown["fills"]["time"]) == ([], None, [])
    assert len(shown["bars"]["time"]) == BARS


def test_who_may_ask(bobs_browser: Client, charlies_browser: Client, samples: None) -> None:
    assert columns(bobs_browser)["symbol"] == "AAPL"
    response = charlies_browser.get(URL, RULES)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
