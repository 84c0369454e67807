"""The list of pages that the walks open is complete."""

from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, resolve

from tests.flows.pages import OF_OPERATORS, OPEN_TO_ALL, PAGES

# Prefixes of pages that are not the desk's own, and of the API.
OTHERS = ("admin/", "api/")
# Files and figures.
ENDINGS = (".json", ".csv", ".parquet", "<str:file_format>")
# Parts of a page, answers to a press and what a program reads.
PARTS = {
    "accounts:status",
    "backtests:delete_several",
    "backtests:optimizer_availability",
    "backtests:optimizer_grid",
    "backtests:optimizer_preview",
    "backtests:optimizer_progress",
    "backtests:progress",
    "livetrading:events",
    "livetrading:excursions",
    "livetrading:new_risk",
    "livetrading:order_preview",
    "livetrading:palette",
    "livetrading:promote_size",
    "livetrading:sectors",
    "livetrading:series_uses",
    "marketdata:downloads",
    "marketdata:gaps",
    "marketdata:latest",
    "marketdata:shares",
    "mfa_download_recovery_codes",
    "mfa_index",
    "monitoring:metrics",
    "notifications:channels",
    "strategies:checks",
}
# Pages of an object that the desk of the walk lacks: a position known by its id, a file, a
# channel, a second factor, a link in a mail. The last one is there in DEBUG only.
WITHOUT_AN_OBJECT = {
    "account_confirm_email",
    "account_confirm_login_code",
    "account_email_verification_sent",
    "account_set_password",
    "backtests:candidate_evidence",
    "livetrading:close_lot",
    "livetrading:close_position",
    "livetrading:sold_outside",
    "marketdata:delete",
    "marketdata:preview",
    "mfa_authenticate",
    "mfa_deactivate_totp",
    "mfa_edit_webauthn",
    "mfa_generate_recovery_codes",
    "mfa_list_webauthn",
    "mfa_login_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_remove_webauthn",
    "mfa_view_recovery_codes",
    "notifications:channel_delete",
    "styleguide",
}


def test_the_walk_opens_every_page() -> None:
    paths = [path for found in (OPEN_TO_ALL, PAGES, OF_OPERATORS) for path in found.values()]
    walked = {resolve(path.partition("?")[0]).view_name for path in paths}
    pages = {name for name, route, view in _named(get_resolver(), "", "") if _is_page(route, view)}
    assert pages - walked == PARTS | WITHOUT_AN_OBJECT


def _named(resolver: URLResolver, prefix: str, space: str) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for each in resolver.url_patterns:
        route = prefix + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _named(each, route, f"{space}{each.namespace}:" if each.namespace else space)
        elif isinstance(each, URLPattern) and each.name:
            yield f"{space}{each.name}", route, each.callback


def _is_page(route: str, view: Callable[..., Any]) -> bool:
    return not (route.startswith(OTHERS) or route.endswith(ENDINGS) or _takes_forms_only(view))


def _takes_forms_only(view: Callable[..., Any] | None) -> bool:
    """Whether one of its decorators is require_POST."""
    while view:
        if ["POST"] in (cell.cell_contents for cell in getattr(view, "__closure__", None) or ()):
            return True
        view = getattr(view, "__wrapped__", None)
    return False
