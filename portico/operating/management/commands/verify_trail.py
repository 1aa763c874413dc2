"""`portico verify-trail`: reads every practice's chain; exit 1 when something is wrong."""

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
    help = "Proves that no entry of the trail was changed, removed or put between."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: str, **options: Any) -> None:  # Any: Django's own.
        verdicts = {practice.slug: sealing.verify(practice) for practice in Practice.objects.order_by("id")}
        is_sound = all(verdict.is_sound for verdict in verdicts.values())
        if options["json"]:
            told = [{"slug": slug, "sound": each.is_sound} | asdict(each) for slug, each in verdicts.items()]
            self.stdout.write(json.dumps({"sound": is_sound, "practices": told}, indent=2))
        else:
            for slug, verdict in verdicts.items():
                self.stdout.write(f"{slug}: {_in_words(verdict)}")
        if not is_sound:
            sys.exit(1)


def _in_words(verdict: ChainReport) -> str:
    if verdict.is_sound:
        return f"sound, {verdict.sealed} entries sealed"
    faults = []
    if verdict.first_bad is not None:
        faults.append(f"position {verdict.first_bad} is bad: {verdict.fault}")
    if verdict.cut:
        faults.append(f"the last {verdict.cut} seals were cut off")
    if verdict.unsealed:
        faults.append(f"{verdict.unsealed} entries are older than a minute and not sealed: is a worker running?")
    return "; ".join(faults)
