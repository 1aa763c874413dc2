"""`portico verify-trail`: verifies the audit log's hash chain of every practice; exits with 1 if one is broken."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from portico.domain.practices.models import Practice
from portico.plumbing.audit import sealing
from portico.plumbing.audit.sealing import ChainReport


class Command(BaseCommand):
    help = "Checks that no entry of the audit log was changed, removed or inserted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        reports = {practice.slug: sealing.verify(practice) for practice in Practice.objects.order_by("id")}
        is_sound = all(report.is_sound for report in reports.values())
        if options["json"]:
            entries = [{"slug": slug, "sound": each.is_sound} | asdict(each) for slug, each in reports.items()]
            self.stdout.write(json.dumps({"sound": is_sound, "practices": entries}, indent=2))
        else:
            for slug, report in reports.items():
                self.stdout.write(f"{slug}: {_describe(report)}")
        if not is_sound:
            sys.exit(1)


def _describe(report: ChainReport) -> str:
    if report.is_sound:
        return f"intact, {report.sealed} entries sealed"
    faults = []
    if report.first_bad is not None:
        faults.append(f"entry {report.first_bad} is invalid: {report.fault}")
    if report.cut:
        faults.append(f"the last {report.cut} seals are missing")
    if report.unsealed:
        faults.append(f"{report.unsealed} entries older than a minute are not sealed. Check that a worker is running.")
    return "; ".join(faults)
