"""The glossary: complete, and each term declared once."""

import pytest
from django.test import Client

from tradedesk.glossary import TERMS, by_topic


@pytest.mark.parametrize("key", TERMS)
def test_a_term_is_complete(key: str) -> None:
    term = TERMS[key]
    assert all((term.name, term.text.endswith("."), term.formula))


def test_names_and_meanings_are_declared_once() -> None:
    for of in ("name", "text"):
        values = [getattr(term, of) for term in TERMS.values()]
        assert len(values) == len(set(values)), of


def test_the_sections_have_all_terms() -> None:
    keys = [key for _, entries in by_topic() for key, _ in entries]
    assert sorted(keys) == sorted(TERMS)


def test_the_page_has_an_anchor_for_every_term(alices_browser: Client) -> None:
    html = alices_browser.get("/glossary").content.decode()
    assert [key for key in TERMS if f'id="{key}"' not in html] == []
