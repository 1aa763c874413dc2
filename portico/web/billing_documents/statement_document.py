"""The content of an account statement."""

from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from portico.domain.billing.account_sums import Sums
from portico.domain.billing.ledger.statements import Statement, StatementEntry
from portico.domain.billing.models import Credit, CreditNote, Dispute, Invoice, Payment
from portico.plumbing import clock
from portico.web import formatting, payment_labels
from portico.web.billing_documents import summary_lines
from portico.web.billing_documents.document import BillingDocument, Column, Party, payment_instructions, sender
from portico.web.billing_documents.summary_lines import Sum, amount

# The first two amount columns, Invoiced and Paid, are shown even when empty.
FIXED_COLUMNS = 2


def statement_document(statement: Statement) -> BillingDocument:
    """Returns the statement: the balance before, each entry with the balance after it, and the sums."""
    language, client = get_language(), statement.client
    practice, currency = client.practice, client.practice.currency
    today = formatting.long_date(clock.today(practice.time_zone), language=language)
    columns = (
        Column(_("Invoiced"), amount=True, keep_when_narrow=True),
        Column(summary_lines.paid_label(), amount=True, keep_when_narrow=True),
        Column(_("Refunded"), amount=True, keep_when_narrow=True),
        Column(_("Adjusted"), amount=True, keep_when_narrow=True),
    )
    # Other amount columns are left out when empty.
    used = [index for index, minor in enumerate(_amounts(statement.sums)) if minor or index < FIXED_COLUMNS]
    before = ("", _brought_forward(statement), *("" for _index in used), amount(statement.before_minor, currency))
    return BillingDocument(
        file_name=_file_name(statement),
        title=_("Account statement"),
        subtitle=_subtitle(statement),
        parties=(
            (sender(practice),),
            (Party(pgettext("whose statement it is", "For"), (client.name,)),),
            (Party(_("Issued"), (today,)),),
        ),
        caption=_("Invoices and payments"),
        columns=(
            Column(_("Date")),
            Column(_("Description"), wide=True),
            *(columns[index] for index in used),
            Column(_("Balance"), amount=True, keep_when_narrow=True),
        ),
        rows=(
            *([before] if statement.before_minor else []),
            *(_row(entry, used, currency) for entry in statement.entries),
        ),
        sums=_sums(statement, currency),
        notes=_notes(statement, currency),
    )


def _amounts(sums: Sums) -> tuple[int, int, int, int]:
    return sums.invoiced_minor, sums.paid_minor, sums.refunded_minor, sums.adjusted_minor


def _row(entry: StatementEntry, used: list[int], currency: str) -> tuple[str, ...]:
    amounts = _amounts(entry.sums)
    return (
        formatting.long_date(entry.on, language=get_language()),
        _description(entry),
        *(amount(amounts[index], currency) if amounts[index] else "" for index in used),
        amount(entry.balance_minor, currency),
    )


def _description(entry: StatementEntry) -> str:
    match entry.row:
        case Invoice() as invoice:
            return _("Invoice %(number)s") % {"number": invoice.number}
        case Payment() as payment:
            values = {"name": payment_labels.payment_name(payment), "number": payment.number}
            return _("%(name)s, receipt %(number)s") % values
        case Credit():
            return _("Credit")
        case CreditNote() as note:
            return _("Credit applied to invoice %(number)s") % {"number": note.invoice.number}
        case Dispute():
            return _("Payment reversed by the bank")
        case refund:
            return _("Refund of receipt %(number)s") % {"number": refund.payment.number}


def _sums(statement: Statement, currency: str) -> tuple[Sum, ...]:
    sums = [*summary_lines.of_account(statement.sums, currency)]
    if statement.before_minor:
        sums.insert(0, Sum(_brought_forward(statement), amount(statement.before_minor, currency), name="before"))
    if statement.processing_minor:
        sums.append(Sum(_("Processing"), amount(-statement.processing_minor, currency), name="processing"))
    label = _("Account balance") if statement.is_last_part else _("Balance carried forward")
    return (*sums, Sum(label, amount(statement.balance_minor, currency), total=True, name="balance"))


def _brought_forward(statement: Statement) -> str:
    return _("Previous balance") if statement.part == 1 else _("Balance brought forward")


def _subtitle(statement: Statement) -> str:
    values = {
        "begin": formatting.long_date(statement.begins_on, language=get_language()),
        "end": formatting.long_date(statement.ends_on, language=get_language()),
        "part": statement.part,
        "parts": statement.parts,
    }
    if statement.parts == 1:
        return _("%(begin)s to %(end)s") % values
    return _("%(begin)s to %(end)s, part %(part)s of %(parts)s") % values


def _notes(statement: Statement, currency: str) -> tuple[str, ...]:
    instructions = payment_instructions(statement.client.practice)
    if statement.parts == 1:
        return (instructions,)
    period_sums = ", ".join(
        f"{line.label} {line.amount}" for line in summary_lines.of_account(statement.period_sums, currency)
    )
    return _("Total of all %(parts)s parts: %(sums)s.") % {"parts": statement.parts, "sums": period_sums}, instructions


def _file_name(statement: Statement) -> str:
    name = f"statement-{statement.begins_on}-{statement.ends_on}"
    return name if statement.parts == 1 else f"{name}-part-{statement.part}"
