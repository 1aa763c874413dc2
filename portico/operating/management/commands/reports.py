"""`portico reports`: the numbers of delivery reports and mail stops, and the state of the report mailbox."""

import json
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, QuerySet

from portico.plumbing import clock
from portico.plumbing.models import DeliveryReport, MailStop, OutgoingEmail, ReportMailbox
from portico.plumbing.models.outgoing_emails import FailureCause

# Rejections of us are counted for this time: older ones may have been mended.
POLICY_PERIOD = timedelta(days=7)


class Command(BaseCommand):
    help = "Shows how many delivery reports wait and were applied, stopped mailboxes, and the report mailbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        report = _report()
        if options["json"]:
            self.stdout.write(json.dumps(report, indent=2))
            return
        for line in _lines(report):
            self.stdout.write(line)


def _report() -> dict[str, Any]:  # Any: JSON.
    reports = DeliveryReport.objects.all()
    rejected = OutgoingEmail.objects.filter(
        clock.within("failed_at", POLICY_PERIOD), failure_cause__in=(FailureCause.DISTRUST, FailureCause.MESSAGE)
    )
    mailbox = ReportMailbox.objects.order_by("id").first() or ReportMailbox()
    return {
        "waiting": reports.waiting().count(),
        "applied": _by_kind(reports.filter(applied_at__isnull=False)),
        "unmatched": mailbox.unmatched,
        "rejected_by_policy": rejected.count(),
        "live_stops": _by_kind(MailStop.objects.live()),
        "mailbox": {
            "last_uid": mailbox.last_uid,
            "uid_validity": mailbox.uid_validity,
            "read_at": mailbox.read_at.isoformat() if mailbox.read_at else None,
            "problem": mailbox.problem,
            "problem_since": mailbox.problem_since.isoformat() if mailbox.problem_since else None,
        },
    }


def _by_kind(rows: QuerySet[Any]) -> dict[str, int]:  # Any: a model with a kind.
    return dict(rows.order_by().values_list("kind").annotate(Count("id")).order_by("kind"))


def _lines(report: dict[str, Any]) -> list[str]:  # Any: JSON.
    mailbox = report["mailbox"]
    lines = [
        f"Waiting: {report['waiting']}",
        f"Applied: {_counts(report['applied'])}",
        f"Not about an email of ours: {report['unmatched']}",
        f"Rejections of us or of an email, last 7 days: {report['rejected_by_policy']}",
        f"Stopped mailboxes: {_counts(report['live_stops'])}",
    ]
    if mailbox["read_at"]:
        lines.append(f"Report mailbox: read {mailbox['read_at']}, up to UID {mailbox['last_uid']}")
    if mailbox["problem"]:
        lines.append(f"Report mailbox: {mailbox['problem']} (since {mailbox['problem_since']})")
    return lines


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in numbers.items()) or "none"
