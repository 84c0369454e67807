"""A user of the desk. The email address is the user name, and what the desk mails to."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone

from tradedesk.audit.services import record_all


class Mode(models.TextChoices):
    """Whether orders use paper money or real money."""

    PAPER = "paper", "Paper"
    LIVE = "live", "Live"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    username = None  # type: ignore[assignment]  # the email address is the user name
    email = models.EmailField("email address", unique=True)
    # The mode in which entries may be sent now: a live entry of a user in paper mode is blocked.
    mode = models.CharField(max_length=5, choices=Mode, default=Mode.PAPER)
    # Wall times: of the last switch, and of the first one to live mode, which asks for a typed word.
    mode_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    first_live_at = models.DateTimeField(null=True, blank=True, editable=False)

    # Until it is saved.
    _password_removed = False

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]  # without a username

    class Meta(AbstractUser.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique_ignoring_case")]

    def __str__(self) -> str:
        return self.email

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self._password_removed = True

    def save(self, *args: Any, **options: Any) -> None:
        """A new password, or none any more, also ends access with tokens from the old one, whoever set it. A hash
        that only a stronger hasher made again is no new password."""
        changed = self._password is not None or self._password_removed  # type: ignore[attr-defined]  # Django's own
        from tradedesk.accounts.tokens import end_all  # after this module

        super().save(*args, **options)
        self._password_removed = False
        if changed:
            with transaction.atomic():
                record_all(end_all(self.api_tokens.all()), timezone.now())
