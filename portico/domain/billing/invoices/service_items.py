"""Products and services of a practice: adding, changing and archiving them."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from portico.domain.audit_actions import AuditAction
from portico.domain.billing import shown_sums
from portico.domain.billing.models import InvoiceLine, ServiceItem
from portico.domain.billing.shown_sums import ShownSums
from portico.domain.clients.models import Client
from portico.domain.practices.models import Practice
from portico.plumbing import clock
from portico.plumbing.actors import Actor
from portico.plumbing.audit import audit_log
from portico.plumbing.refusals import Refused

# Lines of a client's latest invoices in which `used_for` searches.
LATEST_LINES = 20


class CodeTaken(Refused):
    message = _("Another service has this code. Enter a different one.")


def save(
    practice: Practice,
    *,
    code: str,
    label: str,
    label_es: str = "",
    price_minor: int,
    shown: ShownSums | None,
    by: Actor,
    item: ServiceItem | None = None,
) -> ServiceItem:
    """Adds a product or service, or changes `item`; existing invoices stay as they are.

    A repeated call changes nothing. Raises CodeTaken, ShownSumsChanged.
    """
    is_new = item is None
    try:
        with transaction.atomic():
            if item is None:
                item = ServiceItem(practice=practice)
            else:
                item = ServiceItem.objects.locked().get(pk=item.pk)
                if (item.code, item.label, item.label_es, item.price_minor) == (code, label, label_es, price_minor):
                    return item
                shown_sums.refuse_if_changed(shown, shown_sums.of_service(item))
                item.version += 1
            item.code, item.label, item.label_es, item.price_minor = code, label, label_es, price_minor
            item.save()
            audit_log.record(AuditAction.SERVICE_SAVED, practice=practice, by=by, about=code, price_minor=price_minor)
    except IntegrityError as error:
        offered = ServiceItem.objects.offered().filter(practice=practice, code=code)
        same = offered.filter(label=label, label_es=label_es, price_minor=price_minor)
        if is_new and (added := same.first()) is not None:
            return added
        raise CodeTaken(field="code") from error
    return item


def archive(item: ServiceItem, *, shown: ShownSums | None, by: Actor) -> ServiceItem:
    """Archives a product or service. A repeated call changes nothing. Raises ShownSumsChanged."""
    with transaction.atomic():
        item = ServiceItem.objects.locked().select_related("practice").get(pk=item.pk)
        if item.retired_at is None:
            shown_sums.refuse_if_changed(shown, shown_sums.of_service(item))
            item.retired_at = clock.now()
            item.save(update_fields=["retired_at"])
            audit_log.record(AuditAction.SERVICE_RETIRED, practice=item.practice, by=by, about=item.code)
    return item


def used_for(client: Client) -> list[int]:
    """Returns the ids of the products and services on the client's latest invoices and drafts, newest first."""
    lines = InvoiceLine.objects.filter(practice=client.practice_id, invoice__client=client, item__isnull=False)
    latest = lines.order_by("-invoice_id", "position").values_list("item_id", flat=True)[:LATEST_LINES]
    return list(dict.fromkeys(latest))
