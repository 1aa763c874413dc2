"""Answers with a stored file: streamed, and only to be saved, so that nothing in it runs on our pages."""

from typing import cast

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header

from portico.plumbing.files import file_content
from portico.plumbing.models import FileKind, StoredFile


def download(file: StoredFile, *, name: str = "") -> HttpResponse:
    """Returns the file as an attachment, under its own name by default. Raises Http404 if it may not be opened.

    If the content is not what was stored, the response ends before its announced length: browsers show a failure.
    """
    if not file.may_be_opened:
        raise Http404
    response = StreamingHttpResponse(
        file_content.read(file),
        content_type=FileKind(file.kind).content_type,
        headers={
            "Content-Length": str(file.size),
            "Content-Disposition": content_disposition_header(as_attachment=True, filename=name or file.name)
            or "attachment",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "private, no-store",
        },
    )
    # Guards and middleware set headers and cookies only, which both kinds of response have.
    return cast(HttpResponse, response)
