"""The OpenAPI document, and its page under the content security policy."""

from collections.abc import Iterator, Mapping

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from tests.api.backtesting import METRICS
from tests.api.client import ApiClient
from tests.chromium import find_chromium
from tests.flows.browser import TIMEOUT_MS
from tradedesk.api import HealthSchema
from tradedesk.core.declarations import Rule, Unit
from tradedesk.core.rules import COSTS, DEPLOYED_RULES, RULES
from tradedesk.monitoring.findings import probes

DOCUMENT, DOCS = "/api/openapi.json", "/api/docs"
LIVE = "/api/v1/live-trading"
CONTRACT = {
    ("get", "/api/health"): {"200", "503"},
    ("post", "/api/v1/auth/login"): {"200", "400", "401", "409", "422", "429"},
    ("post", "/api/v1/auth/logout"): {"204", "401"},
    ("get", "/api/v1/data"): {"200", "401", "422"},
    ("get", "/api/v1/data/versions"): {"200", "401", "422"},
    ("post", "/api/v1/data/versions/{version_id}/restore"): {"200", "401", "404", "409"},
    ("get", "/api/v1/data/{series_id}"): {"200", "401", "404"},
    ("delete", "/api/v1/data/{series_id}"): {"200", "401", "403", "404", "409", "422"},
    ("get", "/api/v1/data/{series_id}/bars"): {"200", "401", "404", "409", "422"},
    ("get", "/api/v1/notifications"): {"200", "401", "422"},
    ("post", "/api/v1/notifications/read"): {"200", "400", "401", "422"},
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
    ("post", f"{LIVE}/strategies"): {"201", "400", "401", "404", "409", "422"},
    ("get", f"{LIVE}/strategies/{{live_strategy_id}}"): {"200", "401", "404"},
    ("put", f"{LIVE}/strategies/{{live_strategy_id}}"): {"200", "400", "401", "404", "422"},
    ("delete", f"{LIVE}/strategies/{{live_strategy_id}}"): {"204", "401", "404", "409"},
    ("get", f"{LIVE}/strategies/{{live_strategy_id}}/status"): {"200", "401", "404"},
    ("get", f"{LIVE}/strategies/{{live_strategy_id}}/comparison"): {"200", "401", "404"},
    ("get", f"{LIVE}/strategies/{{live_strategy_id}}/decisions"): {"200", "401", "404", "422"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/new-version"): {"201", "400", "401", "404", "409", "422"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/promote"): {"201", "400", "401", "404", "409", "422"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/raise"): {"200", "400", "401", "404", "409", "422"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/start"): {"200", "401", "404", "409"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/pause"): {"200", "401", "404", "409"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/stop"): {"200", "401", "404", "409"},
    ("post", f"{LIVE}/strategies/{{live_strategy_id}}/close"): {"202", "400", "401", "404", "409", "422"},
    ("get", f"{LIVE}/signals/recent"): {"200", "401", "422"},
    ("post", f"{LIVE}/signals/{{signal_id}}/execute"): {"200", "401", "404", "409"},
    ("post", f"{LIVE}/signals/{{signal_id}}/dismiss"): {"200", "401", "404", "409"},
    ("get", f"{LIVE}/positions"): {"200", "401", "422"},
    ("post", f"{LIVE}/positions/{{position_id}}/close"): {"202", "400", "401", "404", "409", "422"},
    ("post", f"{LIVE}/positions/{{position_id}}/sold-outside"): {"200", "400", "401", "404", "409", "422"},
    ("get", f"{LIVE}/orders"): {"200", "401", "422"},
    ("delete", f"{LIVE}/orders/{{order_id}}"): {"200", "202", "401", "404", "409"},
    ("get", f"{LIVE}/halt"): {"200", "401", "422"},
    ("post", f"{LIVE}/halt"): {"200", "202", "400", "401", "409", "422"},
    ("delete", f"{LIVE}/halt"): {"204", "400", "401", "409", "422"},
    ("get", "/api/v1/replay"): {"200", "401", "409"},
    ("post", "/api/v1/replay/pause"): {"200", "401", "403", "409"},
    ("post", "/api/v1/replay/speed"): {"200", "400", "401", "403", "409", "422"},
    ("post", "/api/v1/replay/jump"): {"200", "400", "401", "403", "409", "422"},
    ("post", "/api/v1/replay/restart"): {"200", "400", "401", "403", "409", "422"},
    ("get", f"{LIVE}/risk-rules"): {"200", "401", "422"},
    ("post", f"{LIVE}/risk-rules"): {"201", "400", "401", "409", "422"},
    ("get", f"{LIVE}/risk-rules/{{rule_id}}"): {"200", "401", "404"},
    ("put", f"{LIVE}/risk-rules/{{rule_id}}"): {"200", "400", "401", "404", "422"},
    ("delete", f"{LIVE}/risk-rules/{{rule_id}}"): {"204", "401", "404"},
    ("get", f"{LIVE}/dashboard"): {"200", "401"},
    ("get", "/api/mode"): {"200", "401"},
    ("post", "/api/mode"): {"200", "400", "401", "403", "409", "422", "429"},
    ("get", "/api/v1/broker-accounts"): {"200", "401", "422"},
    ("post", "/api/v1/broker-accounts"): {"201", "400", "401", "403", "409", "422"},
    ("post", "/api/v1/broker-accounts/{account_id}/test"): {"200", "401", "404", "409"},
    ("post", "/api/v1/broker-accounts/{account_id}/activate"): {"200", "401", "403", "404", "409"},
    ("delete", "/api/v1/broker-accounts/{account_id}"): {"204", "401", "403", "404", "409"},
    ("post", "/api/configure"): {"201", "400", "401", "403", "409", "422"},
    ("post", "/api/paper/reset"): {"200", "400", "401", "409", "422"},
    ("post", "/api/paper/orders"): {"201", "400", "401", "409", "422"},
    ("post", "/api/live/orders"): {"201", "400", "401", "409", "422", "428"},
    ("get", "/api/paper/orders/{order_id}"): {"200", "401", "404"},
    ("get", "/api/live/orders/{order_id}"): {"200", "401", "404"},
    ("get", "/api/paper/trades"): {"200", "401", "422"},
    ("get", "/api/paper/positions"): {"200", "401", "422"},
    ("get", "/api/paper/account"): {"200", "401"},
    ("get", "/api/paper/daily-summary"): {"200", "401", "422"},
    ("get", "/api/live/trades"): {"200", "401", "422"},
    ("get", "/api/live/positions"): {"200", "401", "422"},
    ("get", "/api/live/account"): {"200", "401"},
    ("get", "/api/live/daily-summary"): {"200", "401", "422"},
    ("get", "/api/backtest/results"): {"200", "401", "422"},
    ("get", "/api/backtest/results/{backtest_id}"): {"200", "401", "404"},
    ("post", "/api/deploy"): {"201", "400", "401", "404", "409", "422"},
    ("post", "/api/stop"): {"200", "400", "401", "404", "409", "422"},
    ("get", "/api/status"): {"200", "401"},
    ("get", "/api/trades"): {"200", "401", "422"},
    ("get", "/api/dashboard"): {"200", "401"},
    ("get", "/api/chart-data"): {"200", "401"},
    ("get", "/api/alerts"): {"200", "401", "422"},
    ("get", "/api/export"): {"200", "401", "422"},
    ("get", "/api/paper/analysis"): {"200", "401", "422"},
    ("get", "/api/live/analysis"): {"200", "401", "422"},
}


def test_the_document_has_exactly_the_endpoints_of_the_contract(alices: ApiClient) -> None:
    paths = alices.get(DOCUMENT).json["paths"]
    documented = {
        (method, path): set(endpoint["responses"])
        for path, methods in paths.items()
        for method, endpoint in methods.items()
    }
    assert documented == CONTRACT


def test_every_endpoint_has_a_unique_name(alices: ApiClient) -> None:
    paths = alices.get(DOCUMENT).json["paths"]
    names = [endpoint["operationId"] for methods in paths.values() for endpoint in methods.values()]
    assert len(names) == len(set(names)) == len(CONTRACT)


def test_every_body_refuses_unknown_fields(alices: ApiClient) -> None:
    schemas = alices.get(DOCUMENT).json["components"]["schemas"]
    bodies = {name: schema for name, schema in schemas.items() if name.endswith("Body") or name == "Credentials"}
    assert set(bodies) == {
        "StrategyBody",
        "BacktestBody",
        "RunBody",
        "QuickDeployBody",
        "CreateBody",
        "EditBody",
        "NewVersionBody",
        "PromoteBody",
        "RaiseBody",
        "MarkReadBody",
        "Credentials",
        "HaltBody",
        "NewRuleBody",
        "ChangedRuleBody",
        "LiftBody",
        "BrokerAccountBody",
        "CloseBody",
        "OutsideSaleBody",
        "ModeBody",
        "SpeedBody",
        "JumpBody",
        "RestartBody",
        "OrderBody",
        "ResetBody",
        "StopBody",
    }
    assert all(schema["additionalProperties"] is False for schema in bodies.values())


@pytest.mark.parametrize(
    ("body", "required", "defaults"),
    [
        (
            "BacktestBody",
            {"strategy_id", "start_date", "end_date"},
            {
                "initial_capital": 100_000.0,
                "commission_per_order": 0.0,
                "commission_per_share": 0.0,
                "commission_bps": 0.0,
                "slippage_bps": 5.0,
                "signal_threshold": 0.6,
                "stop_loss_pct": 0.1,
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
                "stop_loss_pct": 0.1,
                "signal_threshold": 0.6,
                "fractional": False,
            },
        ),
    ],
)
def test_a_body_documents_its_defaults(
    alices: ApiClient, body: str, required: set[str], defaults: dict[str, object]
) -> None:
    schema = alices.get(DOCUMENT).json["components"]["schemas"][body]
    assert set(schema["required"]) == required
    documented = {name: field["default"] for name, field in schema["properties"].items() if "default" in field}
    assert documented == defaults


@pytest.mark.parametrize(
    ("schema", "rules"),
    [
        ("BacktestBody", RULES | COSTS),
        ("RunBody", RULES | COSTS),
        ("QuickDeployBody", DEPLOYED_RULES),
        ("LimitsSchema", DEPLOYED_RULES),
    ],
)
def test_every_rule_is_documented_with_its_label_and_its_bounds(
    alices: ApiClient, schema: str, rules: Mapping[str, Rule]
) -> None:
    fields = alices.get(DOCUMENT).json["components"]["schemas"][schema]["properties"]
    types = {Unit.FLAG: "boolean", Unit.COUNT: "integer"}
    for name, rule in rules.items():
        field = fields[name]
        assert field["title"] == rule.label
        assert field["description"].startswith(rule.help)
        assert types.get(rule.unit, "number") in {field.get("type"), field.get("anyOf", [{}])[0].get("type")}
        if schema.endswith("Body") and rule.unit is not Unit.FLAG:
            assert (field["minimum"], field["maximum"]) == (rule.low, rule.high)


def test_percent_fields_have_their_public_names(alices: ApiClient) -> None:
    schemas = alices.get(DOCUMENT).json["components"]["schemas"]
    assert list(schemas["MetricsSchema"]["properties"]) == [name for name, _, _ in METRICS]
    assert schemas["MetricsSchema"]["properties"]["win_rate"]["anyOf"] == [{"type": "number"}, {"type": "null"}]
    assert schemas["LotSchema"]["properties"]["unrealized_pct"]["anyOf"] == [{"type": "number"}, {"type": "null"}]


def test_the_document_and_its_page_are_for_users(charlies: ApiClient, alices_browser: Client) -> None:
    assert charlies.get(DOCUMENT).status == 401
    logged_out = Client().get(DOCS)
    assert (logged_out.status_code, logged_out["Location"]) == (302, f"/accounts/login/?next={DOCS}")
    assert alices_browser.get(DOCUMENT).status_code == 200
    assert alices_browser.get(DOCS).status_code == 200


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright runs an event loop in this thread; Django would refuse synchronous queries in it.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])


@pytest.mark.browser
def test_the_page_loads_only_from_the_desk_and_sends_requests(
    chromium: Browser, live_server: LiveServer, alices_browser: Client
) -> None:
    context = chromium.new_context(color_scheme="dark")
    session = alices_browser.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    requested, violations = list[str](), list[str]()
    page.on("request", lambda request: requested.append(request.url))
    page.expose_function("violated", lambda directive: violations.append(directive))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event => violated(event.violatedDirective), true)"
    )
    response = page.goto(f"{live_server.url}{DOCS}")
    assert response is not None
    assert "script-src 'self'" in response.headers["content-security-policy"]
    expect(page.locator(".opblock")).to_have_count(len(CONTRACT), timeout=60_000)
    assert page.evaluate("document.documentElement.classList.contains('dark-mode')")

    # A POST with the session needs the CSRF token, which the page adds.
    endpoint = page.locator("#operations-strategies-create_strategy")
    endpoint.locator(".opblock-summary-control").click()
    endpoint.get_by_role("button", name="Try it out").click()
    endpoint.get_by_role("button", name="Execute").click()
    status = endpoint.locator(".live-responses-table tbody .response-col_status").first
    expect(status).to_contain_text("201", timeout=TIMEOUT_MS)
    context.close()
    assert [url for url in requested if not url.startswith(live_server.url)] == []
    assert violations == []


def test_every_part_of_the_health_is_in_its_response() -> None:
    parts = {part for probe in probes() for part in probe.parts}
    assert set(HealthSchema.model_fields) == parts | {"status", "details"}
