"""The documentation site: what a strict build would refuse, without mkdocs; and whether the examples work."""

import json
import re
import shlex
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import yaml

from docs.site_links import ELSEWHERE, ROOT, TARGET, in_repository, linked_elsewhere, site_path, with_site_links
from strategies.kinds import kinds
from tradedesk.api import api

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md", *(ROOT / page for page in ELSEWHERE)])
CONFIG = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
PLACE = re.compile(r"\]\(([^)#\s]*)#([^)\s]+)\)")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def pages_in(entry: Any) -> Iterator[str]:
    """All pages of a part of the nav."""
    if isinstance(entry, str):
        yield entry
    else:
        for each in entry.values() if isinstance(entry, dict) else entry:
            yield from pages_in(each)


def headings(page: Path) -> set[str]:
    """The ids of its headings, as Python-Markdown makes them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in titles}


def test_the_nav_has_every_page_once_and_nothing_else() -> None:
    shown = list(pages_in(CONFIG["nav"]))
    of_site = {site_path(name_of(page)) for page in PAGES} - {"README.md"}
    hidden = {page for page in of_site if any(fnmatch(f"/{page}", each) for each in CONFIG["not_in_nav"].split())}
    assert len(shown) == len(set(shown))
    assert set(shown) - of_site == set()
    assert of_site - hidden - set(shown) == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading_of_the_repository(page: Path) -> None:
    text, name = page.read_text(encoding="utf-8"), name_of(page)
    links = [in_repository(name, target) for target in TARGET.findall(text)]
    assert [link for link in links if not (ROOT / link).is_file()] == []
    places = [
        (ROOT / in_repository(name, target) if target else page, place)
        for target, place in PLACE.findall(text)
        if not urlsplit(target).scheme
    ]
    assert [(name_of(linked), place) for linked, place in places if place not in headings(linked)] == []


def test_every_picture_is_shown_somewhere() -> None:
    linked = {in_repository(name_of(page), link) for page in PAGES for link in TARGET.findall(page.read_text())}
    assert {name_of(path) for path in (DOCS / "images").iterdir()} - linked == set()


def test_links_of_the_repository_become_links_of_the_site() -> None:
    markdown = (
        "[a](docs/design.md#4-time) [b](docs/decisions/0025-x.md) [c](https://x.org/y) [d](#e) [f](deploy/z.conf)"
    )
    assert with_site_links(markdown, "CONTRIBUTING.md") == (
        "[a](design.md#4-time) [b](decisions/0025-x.md) [c](https://x.org/y) [d](#e) [f](deploy/z.conf)"
    )
    assert with_site_links(
        "[a](../../deploy/z.conf) [b](../../CONTRIBUTING.md) ![c](../images/p.png)", "docs/decisions/x.md"
    ) == ("[a](../deploy/z.conf) [b](../contributing.md) ![c](../images/p.png)")
    assert {"deploy/nginx.conf", "deploy/Caddyfile"} <= linked_elsewhere()


def test_every_kind_that_ships_is_on_the_page_of_strategies_as_it_describes_itself() -> None:
    page = (DOCS / "trading-strategies.md").read_text(encoding="utf-8")
    ours = [kind for kind in kinds().values() if kind.__module__.startswith("strategies.kinds.")]
    assert [kind.key for kind in ours if f"| {kind.name} | {kind.description} |" not in page] == []


# --- The examples of the API ---


def examples() -> list[list[str]]:
    """The words of each curl command of the page."""
    page = (DOCS / "api.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```bash\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("curl ")]


def after(option: str, words: list[str]) -> str | None:
    return words[words.index(option) + 1] if option in words else None


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return dict(api.get_openapi_schema())


@pytest.mark.parametrize("words", examples(), ids=lambda words: next(w for w in words if w.startswith("$DESK")))
def test_an_example_calls_an_endpoint_that_exists_with_fields_that_it_has(
    words: list[str], document: dict[str, Any]
) -> None:
    address = urlsplit(next(word for word in words if word.startswith("$DESK")).removeprefix("$DESK"))
    method = (after("-X", words) or "GET").lower()
    paths = document["paths"]
    # With its numbers as parameters, where it is not an address of its own.
    template = address.path if address.path in paths else re.sub(r"/\d+(?=/|$)", "/{}", address.path)
    (endpoint,) = [
        endpoints[method]
        for path, endpoints in paths.items()
        if method in endpoints and template in (path, re.sub(r"\{\w+\}", "{}", path))
    ]
    parameters = {each["name"] for each in endpoint.get("parameters", []) if each["in"] == "query"}
    assert {name for name, _ in parse_qsl(address.query)} <= parameters
    if (sent := after("-d", words)) is not None:
        content = endpoint["requestBody"]["content"]["application/json"]["schema"]
        schema = document["components"]["schemas"][content["$ref"].rsplit("/", 1)[-1]]
        assert set(schema.get("required", [])) <= set(json.loads(sent)) <= set(schema["properties"])


def test_every_address_in_the_text_of_the_page_exists(document: dict[str, Any]) -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(/api/[\w/{}.-]+)`", text)) - {"/api/docs", "/api/openapi.json"}
    assert named
    assert named - set(document["paths"]) == set()
