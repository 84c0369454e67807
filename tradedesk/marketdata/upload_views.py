"""Pages: the upload of a file of bars, and its preview, where it is confirmed or discarded."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tradedesk.marketdata import uploads
from tradedesk.marketdata.forms import UploadForm
from tradedesk.marketdata.models import Upload
from tradedesk.marketdata.preview import confirm, preview_of
from tradedesk.marketdata.refusal import FindingsRefused, ImportRefused


@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """The user's own series; an administrator may also store some for all users."""
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(*sent, is_staff=request.user.is_staff)
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            kept = uploads.keep(
                _user_id(request), file.file, file.name, form.options(_user_id(request)), now=timezone.now()
            )
        except ImportRefused as refusal:
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        else:
            return redirect("marketdata:preview", upload_id=kept.pk)
    return render(request, "marketdata/upload.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
def preview(request: HttpRequest, upload_id: UUID) -> HttpResponse:
    """The owner of the upload sees what it was understood as, and stores or discards it."""
    now = timezone.now()
    kept = uploads.find(_user_id(request), upload_id, now=now)
    if kept is None:
        raise Http404
    if request.method == "POST" and "discard" in request.POST:
        uploads.discard(kept)
        return redirect("marketdata:upload")
    return _preview(request, kept)


def _preview(request: HttpRequest, kept: Upload) -> HttpResponse:
    now, refused = timezone.now(), []
    try:
        files = uploads.contents(kept)
    except (ImportRefused, FileNotFoundError):
        messages.error(request, "The file is no longer there. Send it again.")
        return redirect("marketdata:upload")
    if request.method == "POST":
        confirmed = confirm(kept, files, request.POST.getlist("accept"), now=now)
        for imported in confirmed.stored:
            messages.success(request, str(imported))
        if not confirmed.refused:
            return redirect("marketdata:list")
        refused = [f"{symbol} was not stored. {_reason(refusal)}" for symbol, refusal in confirmed.refused]
    context = {"upload": kept, "preview": preview_of(kept, files, now=now), "refused": refused}
    return render(request, "marketdata/preview.html", context)


def _reason(refusal: ImportRefused) -> str:
    """The findings themselves stand at the series, each with its tick."""
    return "Tick each finding that is right." if isinstance(refusal, FindingsRefused) else str(refusal)


def _user_id(request: HttpRequest) -> int:
    """The middleware lets no request through to a page of the desk without a logged-in user."""
    return int(request.user.pk or 0)
