"""The glossary, and the page of all components, which a desk in use does not have."""

from django import forms
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tradedesk.glossary import by_topic
from tradedesk.templatetags.components import STATES, glossary


@require_safe
def glossary_page(request: HttpRequest) -> HttpResponse:
    return render(request, "glossary.html", {"topics": by_topic()})


@require_safe
def glossary_json(request: HttpRequest) -> JsonResponse:
    """What a page shows when a word is pointed at. It changes with the version of the desk alone."""
    response = JsonResponse({"terms": glossary()})
    response["Cache-Control"] = "private, max-age=3600"
    return response


class ExampleForm(forms.Form):
    name = forms.CharField(help_text="A text with its help.", initial="Trend filter 100")
    kind = forms.ChoiceField(choices=[("sma", "SMA crossover"), ("rsi", "RSI mean reversion")])
    day = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    size = forms.FloatField(min_value=0.1, max_value=100, label="Position size", initial="2")
    wrong = forms.IntegerField(label="With an error", widget=forms.TextInput)
    agreed = forms.BooleanField(required=False, label="A check box")


@require_safe
def styleguide(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404
    form = ExampleForm({"name": "Trend filter 100", "kind": "sma", "size": "2", "wrong": "a lot", "agreed": "on"})
    page: Page[int] = Paginator(range(1, 101), 10).page(3)
    return render(request, "styleguide.html", {"form": form, "page": page, "states": STATES})
