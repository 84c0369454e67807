"""A desk that others can reach has no open doors."""

import pytest
from pytest_django import Settings

from tradedesk.exposure import CONSOLE, Exposed, host_of, is_loopback, refuse_open_doors

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.mark.parametrize(
    ("host", "alone"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("localhost", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("desk.example.com", False),
        ("", False),
    ],
)
def test_which_addresses_only_this_machine_reaches(host: str, alone: bool) -> None:
    assert is_loopback(host) is alone


@pytest.mark.parametrize(
    ("argv", "environment", "host"),
    [
        (["manage.py", "desk"], {}, "127.0.0.1"),
        (["manage.py", "desk"], {"HOST": ""}, "127.0.0.1"),
        (["manage.py", "desk"], {"HOST": "0.0.0.0"}, "0.0.0.0"),
        (["manage.py", "desk", "--host", "::"], {"HOST": "127.0.0.1"}, "::"),
        (["manage.py", "desk", "--host=0.0.0.0"], {}, "0.0.0.0"),
    ],
)
def test_the_address_that_a_command_listens_on(argv: list[str], environment: dict[str, str], host: str) -> None:
    assert host_of(argv, environment) == host


@pytest.mark.parametrize(
    ("demo", "open_", "mail", "setting"),
    [
        (True, False, SMTP, "DEMO_USER"),
        (False, True, CONSOLE, "SIGNUP_OPEN"),
        (False, True, SMTP, ""),
        (False, False, CONSOLE, ""),
    ],
)
def test_what_is_refused_where_others_can_reach_the_desk(
    settings: Settings, demo: bool, open_: bool, mail: str, setting: str
) -> None:
    settings.DEMO_USER, settings.SIGNUP_OPEN, settings.EMAIL_BACKEND = demo, open_, mail
    refuse_open_doors("127.0.0.1")
    for host, behind_proxy in (("0.0.0.0", False), ("127.0.0.1", True)):
        settings.BEHIND_PROXY = behind_proxy
        if not setting:
            refuse_open_doors(host)
            continue
        with pytest.raises(Exposed, match=setting):
            refuse_open_doors(host)
