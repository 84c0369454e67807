"""The desk's admin: what an operator adds, changes or deletes on any of its pages is recorded in the audit."""

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

# Fields whose values are no secret: a record has what they were and became. Of others it has the name.
SHOWN = (forms.BooleanField, forms.EmailField, forms.ModelMultipleChoiceField)


# What no filter in an address may ask for: letter by letter, whether a row is found tells all of it.
SECRETS = {"session_key", "data", "credentials", "new_credentials", "number", "sha256", "password"}


class DeskAdminConfig(AdminConfig):
    default_site = "tradedesk.admin_site.DeskAdminSite"


class Audited(admin.ModelAdmin[Any]):
    """With Django's own log of the admin, in the transaction of the change. These are hooks of the admin, and no
    signals; what an action does through a service is recorded by the service."""

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        message = super().construct_change_message(request, form, formsets, add)
        shown = [name for name in form.changed_data if isinstance(form.fields.get(name), SHOWN)]
        values = {name: _values(form, name) for name in shown}
        return [*message, {"values": values}] if values and not add else message

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return SECRETS.isdisjoint(lookup.split("__")) and super().lookup_allowed(lookup, value, request)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        logged = super().log_addition(request, obj, message)
        self._record("admin_added", [obj], {})
        return logged

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        own = [each for each in message if "values" not in each] if isinstance(message, list) else message
        details: dict[str, Any] = {"changed": own}
        if isinstance(message, list) and own != message:
            details |= message[-1]["values"]
        # Recorded last, as everywhere: the row of the log locks that of the operator.
        logged = super().log_change(request, obj, own)
        self._record("admin_changed", [obj], details)
        return logged

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        with self._deletion([obj]):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        with self._deletion(queryset):
            super().delete_queryset(request, queryset)

    @contextmanager
    def _deletion(self, objects: Iterable[Any]) -> Iterator[None]:
        """Recorded last: the lock of the audit, which all of the desk waits for, is not held while many rows are
        deleted."""
        # Copies, because Django empties the keys of what it deletes.
        gone = [(copy.copy(each), str(each)) for each in objects]
        with transaction.atomic():
            yield
            self._write("admin_deleted", gone, {})

    def _record(self, action: str, objects: list[Any], details: dict[str, Any]) -> None:
        self._write(action, [(each, str(each)) for each in objects], details)

    def _write(self, action: str, named: list[tuple[Any, str]], details: dict[str, Any]) -> None:
        from tradedesk.audit.services import Entry, record_all  # after the apps are loaded

        entries = [Entry(None, action, each, {"what": name, **details}) for each, name in named]
        record_all(entries, timezone.now())


class DeskAdminSite(admin.AdminSite):
    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Also the pages of other packages are audited."""
        own = admin_class or admin.ModelAdmin
        super().register(
            model_or_iterable, type(own.__name__, (Audited, own), {"__module__": own.__module__}), **options
        )


def _values(form: Any, name: str) -> dict[str, Any]:
    before, after = form.initial.get(name), form.cleaned_data.get(name)
    return {"before": _plain(before), "after": _plain(after)}


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, list | tuple | set | QuerySet) else value
