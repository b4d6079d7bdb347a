"""Importing and exporting connections: a preview first, then the act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from access.audit import Actor
from access.rights import WORDS, Right, caller_of, requires
from connections import parking, portability
from connections.exceptions import SecretsUnreadable
from connections.models import Connection

PURPOSE = "import"
LARGEST = portability.LARGEST
TOO_MUCH_PASTED = "Paste at most 2 MB; choose larger ones as a file."
EXISTING_WORDS = (
    ("fail", "Refuse the import"),
    ("skip", "Keep what is stored"),
    ("overwrite", "Replace what is stored"),
)
FORMAT_WORDS = (("", "By its name or content"), ("json", "JSON"), ("yaml", "YAML"), ("env", ".env"))
CONTENT_TYPES = {"json": "application/json", "yaml": "application/yaml", "env": "text/plain"}


class ImportForm(forms.Form):
    """What is to be imported, and what happens to what is there already."""

    file = forms.FileField(required=False, allow_empty_file=True)
    content = forms.CharField(
        required=False,
        strip=False,
        max_length=LARGEST,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "autocomplete": "off"}),
    )
    file_format = forms.ChoiceField(choices=FORMAT_WORDS, required=False)
    existing = forms.ChoiceField(choices=EXISTING_WORDS, initial="fail")
    skip_bad = forms.BooleanField(required=False)
    parked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        file, content = data.get("file"), data.get("content") or ""
        if file is not None and content.strip():
            self.add_error("content", "Choose a file or paste its content, not both.")
        elif file is not None:
            data["text"] = self._read(file)
        elif content.strip():
            data["text"] = content
        elif not data.get("parked"):
            self.add_error("file", "Choose a file, or paste its content below.")
        return data

    def _read(self, file: Any) -> str:
        if file.size > LARGEST:
            self.add_error("file", "This file is too large: at most 10 MB.")
            return ""
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            self.add_error("file", "This file is not text in UTF-8.")
            return ""


@dataclass(frozen=True)
class _Alert:
    """What is said on top of the page: what happened, then what to do."""

    title: str
    words: str


@dataclass(frozen=True)
class _Source:
    """A text to import, its format, and the handle under which it waits."""

    text: str
    file_format: str
    handle: str


@requires(Right.IMPORT_CONNECTIONS)
@never_cache
@sensitive_post_parameters()
@sensitive_variables()
@require_http_methods(["GET", "POST"])
@csrf_exempt
def import_page(request: HttpRequest) -> HttpResponse:
    """GET asks for a file; POST previews it, and with ``act=import`` carries it out.

    The token is asked for by the inner view: the middleware would answer more
    than ``DATA_UPLOAD_MAX_MEMORY_SIZE`` of pasted text with a page without words.
    """
    try:
        _ = request.POST
    except RequestDataTooBig:
        alert = _Alert("Nothing was imported", TOO_MUCH_PASTED)
        return _import_page(request, ImportForm(), alert=alert, status=413)
    return _import(request)


@csrf_protect
@sensitive_variables()
def _import(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return _import_page(request, ImportForm())
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return _import_page(request, form, status=422)
    source = _source(request, form)
    if source is None:
        return _import_page(request, form, status=422)
    try:
        entries = portability.read(source.text, file_format=source.file_format)
    except portability.Unreadable as error:
        form.add_error("file", str(error))
        return _import_page(request, form, status=422)
    if request.POST.get("act") == "import":
        return _carry_out(request, form, source, entries)
    plan = portability.plan(entries, existing=form.cleaned_data["existing"])
    return _import_page(request, form, plan=plan, source=source)


def _source(request: HttpRequest, form: ImportForm) -> _Source | None:
    data = form.cleaned_data
    text = data.get("text")
    handle = data["parked"]
    if text is None:
        text = parking.unpark(handle, user=request.user, purpose=PURPOSE)
        if text is None:
            form.add_error("file", "What you gave is forgotten after half an hour: give it again.")
            return None
    else:
        handle = parking.park(text, user=request.user, purpose=PURPOSE)
    file = data.get("file")
    name = file.name if file is not None else ""
    return _Source(text, data["file_format"] or portability.format_of(name, text), handle)


def _carry_out(
    request: HttpRequest, form: ImportForm, source: _Source, entries: list[portability.Entry]
) -> HttpResponse:
    data = form.cleaned_data
    try:
        plan = portability.carry_out(
            entries,
            existing=data["existing"],
            skip_bad=data["skip_bad"],
            actor=Actor.of(request.user),
        )
    except portability.ImportRefused as error:
        return _import_page(
            request,
            form,
            plan=error.plan,
            source=source,
            alert=_refused(error.plan),
            status=422,
        )
    parking.forget(source.handle, user=request.user)
    messages.success(request, f"Imported: {plan.summary}.")
    return redirect("connections")


def _refused(plan: portability.Plan) -> _Alert:
    count = plan.count("refused")
    one = count == 1
    return _Alert(
        f"Nothing was imported: {count} {'is' if one else 'are'} refused",
        f"Mend {'it' if one else 'them'}, or tick “Leave out what is refused”.",
    )


def _import_page(
    request: HttpRequest,
    form: ImportForm,
    *,
    plan: portability.Plan | None = None,
    source: _Source | None = None,
    alert: _Alert | None = None,
    status: int = 200,
) -> HttpResponse:
    refused = plan.count("refused") if plan else 0
    context = {
        "alert": alert,
        "refused": refused,
        "is_stopped": bool(refused) and not form.cleaned_data["skip_bad"],
        "form": form,
        "plan": plan,
        "source": source,
        "existing_words": EXISTING_WORDS,
        "format_words": FORMAT_WORDS,
        "chosen": form.data if form.is_bound else {"existing": "fail"},
    }
    return render(request, "connections/import.html", context, status=status)


@requires(Right.EXPORT_CONNECTIONS)
@never_cache
@require_http_methods(["GET", "POST"])
def export_page(request: HttpRequest) -> HttpResponse:
    """GET (or a POST from the list) asks how; POST with ``act=export`` sends the file."""
    conn_ids = request.POST.getlist("id") or request.GET.getlist("id")
    unreadable, is_refused = "", False
    if request.POST.get("act") == "export":
        try:
            rows = portability.named(conn_ids) if conn_ids else Connection.objects.all()
            return _file(request, rows)
        except SecretsUnreadable as error:
            unreadable = error.conn_id
        except portability.NotThere:
            is_refused = True
    there, missing = portability.there_and_missing(conn_ids)
    wanted = Connection.objects.all()
    if conn_ids:
        wanted = wanted.filter(pk__in=[row.pk for row in there])
    context = {
        "unreadable": unreadable,
        "is_refused": is_refused,
        "is_chosen": bool(conn_ids),
        "conn_ids": [row.conn_id for row in there],
        "total": wanted.count(),
        "missing": [conn_id for conn_id in missing if conn_id.isprintable()],
        **_of_airflow(wanted),
    }
    status = 409 if unreadable or is_refused else 200
    return render(request, "connections/export.html", context, status=status)


def _of_airflow(rows: QuerySet[Connection]) -> dict[str, int]:
    """How many Airflow mustn't use, how many it takes without a date, or in .env a description."""
    gone = Q(is_disabled=True) | Q(expires_at__lte=timezone.now())
    return {
        "unusable": rows.filter(gone).count(),
        "expiring": rows.exclude(gone).filter(expires_at__isnull=False).count(),
        "unsayable": rows.exclude(gone).filter(conn_type__regex="[^a-z0-9_+.]").count(),
        "described": rows.exclude(gone).exclude(description="").count(),
    }


def _file(request: HttpRequest, rows: Any) -> HttpResponse:
    file_format = request.POST.get("file_format", "json")
    serialization = request.POST.get("serialization", "json")
    redact = request.POST.get("secrets") != "with"
    if not redact and not caller_of(request).may(Right.EXPORT_SECRETS):
        raise PermissionDenied(f"Your role doesn't let you {WORDS[Right.EXPORT_SECRETS]}.")
    if file_format not in portability.FILE_FORMATS:
        file_format = "json"
    if serialization not in portability.SERIALIZATIONS:
        serialization = "json"
    done = portability.export(
        rows,
        file_format=file_format,
        serialization=serialization,
        redact=redact,
        actor=Actor.of(request.user),
        for_airflow=bool(request.POST.get("for_airflow")),
    )
    moment = timezone.now().strftime("%Y-%m-%d")
    name = f"connections-{moment}.{file_format}"
    answer = HttpResponse(done.text, content_type=f"{CONTENT_TYPES[file_format]}; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
