"""The OpenAPI document is the contract, and its page shows it under the content security policy."""

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.api.client import ApiClient
from tests.chromium import find_chromium

DOCUMENT, DOCS = "/api/openapi.json", "/api/docs"
LIVE = "/api/v1/live-trading"
CONTRACT = {
    ("get", "/api/health"): {"200", "503"},
    ("post", "/api/v1/auth/login"): {"200", "400", "401", "422", "429"},
    ("post", "/api/v1/auth/logout"): {"204", "401"},
    ("get", "/api/v1/strategies"): {"200", "401", "422"},
    ("post", "/api/v1/strategies"): {"201", "400", "401", "422"},
    ("get", "/api/v1/strategies/kinds"): {"200", "401", "422"},
    ("get", "/api/v1/strategies/{strategy_id}"): {"200", "401", "404"},
    ("put", "/api/v1/strategies/{strategy_id}"): {"200", "400", "401", "404", "422"},
    ("delete", "/api/v1/strategies/{strategy_id}"): {"204", "401", "404"},
    ("post", "/api/v1/backtests"): {"202", "400", "401", "404", "422"},
    ("get", "/api/v1/backtests"): {"200", "401", "422"},
    ("get", "/api/v1/backtests/compare"): {"200", "401", "404", "422"},
    ("get", "/api/v1/backtests/{backtest_id}"): {"200", "401", "404"},
    ("delete", "/api/v1/backtests/{backtest_id}"): {"204", "401", "404"},
    ("post", "/api/v1/backtests/{backtest_id}/cancel"): {"200", "401", "404"},
    ("get", "/api/v1/backtests/{backtest_id}/trades.csv"): {"200", "401", "404"},
    ("post", "/api/v1/optimizer/runs"): {"202", "400", "401", "404", "422"},
    ("get", "/api/v1/optimizer/runs"): {"200", "401", "422"},
    ("get", "/api/v1/optimizer/runs/{run_id}"): {"200", "401", "404", "422"},
    ("delete", "/api/v1/optimizer/runs/{run_id}"): {"204", "401", "404"},
    ("post", "/api/v1/optimizer/runs/{run_id}/cancel"): {"200", "401", "404"},
    ("get", "/api/v1/evidence"): {"200", "401", "404", "422"},
    ("post", f"{LIVE}/quick-deploy"): {"201", "400", "401", "404", "409", "422"},
    ("get", f"{LIVE}/strategies"): {"200", "401", "422"},
    ("get", f"{LIVE}/strategies/{{live_strategy_id}}"): {"200", "401", "404"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/start"): {"200", "401", "404", "409"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/pause"): {"200", "401", "404", "409"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/stop"): {"200", "401", "404", "409"},
    ("get", f"{LIVE}/signals/recent"): {"200", "401", "422"},
    ("get", f"{LIVE}/positions"): {"200", "401", "422"},
    ("get", f"{LIVE}/dashboard"): {"200", "401"},
    ("get", "/api/paper/trades"): {"200", "401", "422"},
    ("get", "/api/paper/positions"): {"200", "401", "422"},
    ("get", "/api/paper/account"): {"200", "401"},
}


def test_it_lists_the_calls_of_the_contract_and_no_other(alices: ApiClient) -> None:
    paths = alices.get(DOCUMENT).json["paths"]
    listed = {(method, path): set(call["responses"]) for path, of in paths.items() for method, call in of.items()}
    assert listed == CONTRACT


def test_every_call_has_a_name_of_its_own(alices: ApiClient) -> None:
    paths = alices.get(DOCUMENT).json["paths"]
    names = [call["operationId"] for of in paths.values() for call in of.values()]
    assert len(names) == len(set(names)) == len(CONTRACT)


def test_every_body_refuses_what_it_does_not_declare(alices: ApiClient) -> None:
    schemas = alices.get(DOCUMENT).json["components"]["schemas"]
    bodies = {name: schema for name, schema in schemas.items() if name.endswith("Body") or name == "Credentials"}
    assert set(bodies) == {"StrategyBody", "BacktestBody", "RunBody", "QuickDeployBody", "Credentials"}
    assert all(schema["additionalProperties"] is False for schema in bodies.values())


@pytest.mark.parametrize(
    ("body", "required", "defaults"),
    [
        (
            "BacktestBody",
            {"strategy_id", "start_date", "end_date", "initial_capital"},
            {
                "commission_per_order": 0.0,
                "commission_per_share": 0.0,
                "commission_bps": 0.0,
                "slippage_bps": 0.0,
                "signal_threshold": 0.6,
                "fractional": False,
            },
        ),
        (
            "QuickDeployBody",
            {"strategy_id", "symbols"},
            {
                "name": "",
                "check_interval": 300,
                "auto_execute": True,
                "max_positions": 5,
                "position_size_pct": 0.02,
            },
        ),
    ],
)
def test_a_body_has_the_defaults_of_the_contract(
    alices: ApiClient, body: str, required: set[str], defaults: dict[str, object]
) -> None:
    schema = alices.get(DOCUMENT).json["components"]["schemas"][body]
    assert set(schema["required"]) == required
    stated = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
    assert stated == defaults


def test_the_document_and_its_page_are_for_users(charlies: ApiClient, alices_browser: Client) -> None:
    assert charlies.get(DOCUMENT).status == 401
    stranger = Client().get(DOCS)
    assert (stranger.status_code, stranger["Location"]) == (302, f"/accounts/login/?next={DOCS}")
    assert alices_browser.get(DOCUMENT).status_code == 200
    assert alices_browser.get(DOCS).status_code == 200


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps a loop running in this thread, which Django would take for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])


@pytest.mark.browser
def test_the_page_draws_itself_from_the_desk_alone_and_tries_calls(
    chromium: Browser, live_server: LiveServer, alices_browser: Client
) -> None:
    context = chromium.new_context(color_scheme="dark")
    session = alices_browser.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    asked, violations = list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.expose_function("violated", lambda directive: violations.append(directive))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => violated(event.violatedDirective), true)"
    )
    response = page.goto(f"{live_server.url}{DOCS}")
    assert response is not None
    assert "script-src 'self'" in response.headers["content-security-policy"]
    expect(page.locator(".opblock")).to_have_count(len(CONTRACT))
    assert page.evaluate("document.documentElement.classList.contains('dark-mode')")

    # A write with the session alone: it needs the CSRF token that the page adds.
    call = page.locator("#operations-strategies-create_strategy")
    call.locator(".opblock-summary-control").click()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table tbody .response-col_status").first).to_contain_text("201")
    context.close()
    assert [url for url in asked if not url.startswith(live_server.url)] == []
    assert violations == []
