"""Sending to the email address of a user's account, through the mail server of the operator."""

import smtplib
from collections.abc import Iterator, Sequence

from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from tradedesk.notifications.channels.message import Message, Outcome
from tradedesk.notifications.channels.signature import ID_HEADER


def send_mail(recipient: str, messages: Sequence[Message]) -> Iterator[Outcome]:
    """Until the first message that fails."""
    connection = get_connection()
    try:
        connection.open()
    except Exception as error:
        yield Outcome(messages[0].id, _reason(error))
        return
    try:
        for message in messages:
            refused = _send(connection, recipient, message)
            yield Outcome(message.id, refused)
            if refused:
                return
    finally:
        connection.close()


def _send(connection: BaseEmailBackend, recipient: str, message: Message) -> str:
    mail = EmailMessage(
        subject=" ".join(f"tradedesk · {message.title}".split()),
        body=message.body,
        to=[recipient],
        connection=connection,
        headers={
            ID_HEADER: message.id,
            "Message-ID": f"<{message.id}@tradedesk>",
            "Auto-Submitted": "auto-generated",
        },
    )
    try:
        mail.send()
    except Exception as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    """Without what the server said: that may contain the name and the password."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server refused it with code {error.smtp_code}."
    if isinstance(error, TimeoutError):
        return "The mail server did not answer in time."
    return f"The mail server could not be used ({type(error).__name__})."
