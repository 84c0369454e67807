from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from tradedesk.marketdata.context import market
from tradedesk.marketdata.models import ReplayMarket


@pytest.mark.django_db
def test_a_page_queries_the_market_only_if_it_shows_it(
    rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    ReplayMarket.objects.create(session=date(2012, 3, 5), advanced_at=datetime(2026, 1, 5, tzinfo=UTC))
    with django_assert_num_queries(0):
        context = Context(market(rf.get("/")))
        assert Template("nothing").render(context) == "nothing"
    with django_assert_num_queries(1):
        text = Template(
            "{{ market_status.kind }} {{ market_status.session|date:'Y-m-d' }} {{ market_status.is_open }}"
        ).render(context)
    assert text == "replay 2012-03-05 True"
