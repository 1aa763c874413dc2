"""Completed documents that are due again: their template says after how many months they are to be asked for."""

import calendar
from datetime import date, datetime, time, timedelta

from django.db.models import Max, Q

from portico.domain.clients.models import is_none_or_current
from portico.domain.documents.models import DocumentRequest, DocumentRequestQuerySet, DocumentTemplate, RequestState
from portico.domain.practices.models import Practice
from portico.plumbing import clock


def due(practice: Practice) -> DocumentRequestQuerySet:
    """Returns the newest completed request of an access for a document whose months have passed; runs one query.

    Counted from completion, or from the date on the paper. Not those that were asked for again since, and were not
    withdrawn; nor of archived documents and clients, former contacts, and those who may not sign documents.
    """
    repeating = DocumentTemplate.objects.active().filter(practice=practice, repeat_after_months__gt=0)
    periods = repeating.order_by().values_list("repeat_after_months", flat=True).distinct()
    today = clock.today(practice.time_zone)
    # True for no request, if there is no such document.
    passed = Q(pk__in=())
    for months in periods:
        last_day = months_before(today, months)
        end = datetime.combine(last_day + timedelta(days=1), time(), practice.zone)
        # A paper is recorded on its date or later.
        is_early = Q(completed_at__lt=end) | Q(submission__signed_on__lte=last_day)
        passed |= Q(is_early, version__template__repeat_after_months=months)
    # One pass over the requests, which is cheaper than looking for a later one beside each of them.
    asked = DocumentRequest.objects.filter(practice=practice, version__template__repeat_after_months__gt=0)
    newest = asked.exclude(state=RequestState.WITHDRAWN).order_by().values("access", "version__template")
    rows = DocumentRequest.objects.complete().filter(passed, practice=practice, client__is_archived=False)
    # Others can't be asked again.
    able = rows.filter(is_none_or_current("access__relationship"), access__signs_documents=True)
    return able.filter(pk__in=newest.annotate(newest=Max("pk")).values("newest"), version__template__archived_at=None)


def months_before(day: date, months: int) -> date:
    """Returns the day so many months earlier; the last one of a month that is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
