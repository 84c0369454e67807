from django.test import Client
from django.urls import reverse

from strategies.models import Strategy
from tests.strategies.examples import a_strategy, page_text
from tradedesk.accounts.models import User


def test_an_administrator_finds_reads_and_deletes_strategies(client: Client, alice: User, bob: User) -> None:
    bob.is_staff = bob.is_superuser = True
    bob.save()
    client.force_login(bob, backend="allauth.account.auth_backends.AuthenticationBackend")
    strategy = a_strategy(alice, symbols=["AAPL", "TSLA"])
    a_strategy(bob, "Other", symbols=["IBM"])
    url = reverse("admin:strategies_strategy_changelist")
    for query in ("tech", "TSLA", "alice@"):
        text = page_text(client.get(url, {"q": query}))
        assert "1 strategy" in text
        assert "Tech" in text
    assert client.get(reverse("admin:strategies_strategy_add")).status_code == 403
    page = reverse("admin:strategies_strategy_change", args=[strategy.pk])
    assert "fast" in page_text(client.get(page))
    assert client.post(page, {"name": "Administrator's"}).status_code == 403
    assert client.post(
        reverse("admin:strategies_strategy_delete", args=[strategy.pk]), {"post": "yes"}
    ).status_code
    assert not Strategy.objects.filter(pk=strategy.pk).exists()
