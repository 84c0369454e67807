"""Everything that a request can send has a size: texts, lists, mappings; and so has the answer."""

import pytest

from strategies.models import Strategy
from tests.api.client import ApiClient

STRATEGIES = "/api/v1/strategies"
VALID = {"name": "Golden cross", "kind": "sma_crossover", "symbols": ["AAPL"]}


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("symbols", ["AAPL"] * 51, "symbols"),
        ("symbols", [""], "symbols.0"),
        ("symbols", ["AAPL", "  "], "symbols.1"),
        ("parameters", {f"p{number}": 1 for number in range(201)}, "parameters"),
        ("name", "x" * 501, "name"),
        ("name", "Golden\u202ecross", "name"),
        ("name", "Golden\u200bcross", "name"),
    ],
)
def test_too_much_or_nothing_is_refused_at_the_field(
    alices: ApiClient, field: str, value: object, at: str
) -> None:
    response = alices.post(STRATEGIES, VALID | {field: value})
    assert response.status == 422
    assert [problem["field"] for problem in response.json["detail"]] == [at]
    assert not Strategy.objects.exists()


def test_a_body_with_thousands_of_errors_is_answered_with_twenty(charlies: ApiClient) -> None:
    response = charlies.post("/api/v1/auth/login", {f"field{number}": 1 for number in range(2000)})
    assert response.status == 422
    assert len(response.json["detail"]) == 20


def test_what_a_service_refuses_is_answered_with_twenty_short_names(alices: ApiClient) -> None:
    response = alices.post(STRATEGIES, VALID | {"parameters": {f"{n:03}" + "x" * 480: 1 for n in range(200)}})
    assert response.status == 422
    problems = response.json["detail"]
    assert len(problems) == 20
    assert problems[0]["field"] == "parameters.000" + "x" * 66
    assert all(len(problem["message"]) < 200 for problem in problems)
