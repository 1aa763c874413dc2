"""`Create Client`: all or nothing, and once per form."""

import pytest
from django.db import IntegrityError
from django.test import Client as Browser

from portico.domain.access.models import Invitation, PortalAccess
from portico.domain.access.onboarding import invitation_text, new_clients
from portico.domain.clients.models import Client, EmailAddress, PhoneNumber
from portico.domain.documents.models import DocumentRequest, DocumentTemplate, Packet
from portico.domain.practices.models import Practice
from portico.plumbing.models import AuditEntry, OutgoingEmail
from tests import cast, shared_documents
from tests.web.office.form_data import address, new_client, phone

pytestmark = pytest.mark.django_db
ADDRESS = "/office/clients/new/"
ANAS = "ana@mail.example"
TEXT = invitation_text.default_text("en")
INVITED = {
    "enabled": "on",
    "access_billing_documents": "on",
    "send_now": "on",
    "subject": TEXT.subject,
    "message": TEXT.message,
}


def test_only_a_name_is_required(office: Browser, practice: Practice) -> None:
    answer = office.post(ADDRESS, new_client(last_name=""), follow=True)

    ana = Client.objects.get()
    assert (ana.name, ana.practice, ana.portal_state) == ("Ana", practice, "no_access")
    assert answer.redirect_chain == [(f"/office/clients/{ana.ref}/", 302)]
    assert "Ana was created." in answer.content.decode()
    assert not OutgoingEmail.objects.exists()


def test_all_fields_are_saved(office: Browser, practice: Practice) -> None:
    elm = cast.elm(practice)
    typed = new_client(
        address(ANAS),
        address("Ana@Work.example", ok=False, kind="work"),
        phones=(phone("(212) 555-0134"), phone("+34 912 34 56 78", kind="home")),
        preferred_name="Anita",
        date_of_birth="04/18/1989",
        clinician=elm.ref,
        language="es",
    )

    office.post(ADDRESS, typed)

    ana = Client.objects.get()
    assert (ana.called, str(ana.date_of_birth), ana.clinician, ana.language) == ("Anita", "1989-04-18", elm, "es")
    assert [(row.address, row.kind, row.email_ok, row.email_ok_by) for row in EmailAddress.objects.order_by("id")] == [
        (ANAS, "home", True, "Fay"),
        ("Ana@Work.example", "work", False, ""),
    ]
    assert [row.number for row in PhoneNumber.objects.order_by("id")] == ["+12125550134", "+34912345678"]


def test_client_access_and_invitation_in_one_form(office: Browser) -> None:
    answer = office.post(ADDRESS, new_client(address(ANAS)) | INVITED, follow=True)

    ana, email = Client.objects.get(), OutgoingEmail.objects.get()
    page = answer.content.decode()
    assert (ana.portal_state, email.to_address, email.state) == ("invited", ANAS, "queued")
    assert "The invitation is on its way to ana@mail.example." in page
    assert "Ana hasn’t signed in yet" in page


def test_access_without_an_invitation_names_the_next_step(office: Browser) -> None:
    answer = office.post(ADDRESS, new_client(address(ANAS), enabled="on"), follow=True)

    access = PortalAccess.objects.select_related("address").get()
    assert access.is_on
    assert access.address is not None
    assert access.address.address == ANAS
    assert not OutgoingEmail.objects.exists()
    assert "Send an invitation" in answer.content.decode()


def test_unchanged_invitation_follows_the_language(office: Browser) -> None:
    # Browsers send CRLF; the text still counts as the default one.
    as_sent = INVITED | {"message": TEXT.message.replace("\n", "\r\n")}
    office.post(ADDRESS, new_client(address(ANAS), language="es") | as_sent)
    office.post(
        ADDRESS, new_client(address("b@mail.example"), language="es", form_key="2" * 43) | INVITED | {"subject": "Hi"}
    )

    assert list(OutgoingEmail.objects.order_by("id").values_list("subject", "content__language")) == [
        (
            invitation_text.expand(
                invitation_text.default_text("es"), PortalAccess.of(Client.objects.order_by("id")[0])
            ).subject,
            "es",
        ),
        ("Hi", "es"),
    ]


def test_double_submission_creates_one_client_and_email(office: Browser) -> None:
    typed = new_client(address(ANAS)) | INVITED

    first = office.post(ADDRESS, typed)
    second = office.post(ADDRESS, typed)

    assert first.headers["Location"] == second.headers["Location"]
    assert (Client.objects.count(), Invitation.objects.count(), OutgoingEmail.objects.count()) == (1, 1, 1)


def test_form_key_is_unique_per_practice(office: Browser, client: Browser) -> None:
    office.post(ADDRESS, new_client())
    cast.signed_in(client, cast.fay(cast.birch())).post(ADDRESS, new_client(first_name="Dora"))

    assert Client.objects.count() == 2


def test_concurrent_double_submission_creates_one_client(
    office: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.post(ADDRESS, new_client())
    look, looks = new_clients._find_earlier, list[str]()

    def blind_at_first(at: Practice, form_key: str, content: object) -> new_clients.CreatedClient | None:
        looks.append(form_key)
        return None if len(looks) == 1 else look(at, form_key, content)

    monkeypatch.setattr(new_clients, "_find_earlier", blind_at_first)
    answer = office.post(ADDRESS, new_client())

    assert len(looks) == 2
    assert answer.headers["Location"] == f"/office/clients/{Client.objects.get().ref}/"


def test_other_integrity_errors_are_raised(
    office: Browser, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.post(ADDRESS, new_client())
    monkeypatch.setattr(new_clients, "_find_earlier", lambda at, form_key, content: None)

    with pytest.raises(IntegrityError):
        office.post(ADDRESS, new_client())


@pytest.mark.parametrize(
    ("addresses", "complaint"),
    [
        ((), "Add an email address to send the invitation to"),
        ((address(ANAS, ok=False),), "Check Email ok for the first address"),
    ],
    ids=["no address", "no consent"],
)
def test_refused_invitation_creates_nothing(
    office: Browser, practice: Practice, addresses: tuple[dict[str, str], ...], complaint: str
) -> None:
    answer = office.post(ADDRESS, new_client(*addresses) | INVITED)

    page = answer.content.decode()
    assert answer.status_code == 409
    assert complaint in page
    assert 'value="Abreu"' in page
    assert not Client.objects.exists()
    assert not AuditEntry.objects.filter(client__isnull=False).exists()


def test_an_invitation_needs_access(office: Browser) -> None:
    typed = new_client(address(ANAS)) | INVITED
    del typed["enabled"]

    answer = office.post(ADDRESS, typed)

    assert answer.status_code == 422
    assert "Turn on Client Portal Access to send the invitation" in answer.content.decode()
    assert not Client.objects.exists()


def test_likely_typo_must_be_confirmed(office: Browser) -> None:
    typed = new_client(address("ana@gmial.com")) | INVITED

    asked = office.post(ADDRESS, typed)
    assert asked.status_code == 422
    assert "Did you mean ana@gmail.com?" in asked.content.decode()
    assert 'name="looked_at" value="ana@gmial.com"' in asked.content.decode()
    assert not Client.objects.exists()

    office.post(ADDRESS, typed | {"looked_at": "ana@gmial.com"})
    assert OutgoingEmail.objects.get().to_address == "ana@gmial.com"


def test_duplicate_address_is_refused(office: Browser) -> None:
    answer = office.post(ADDRESS, new_client(address(ANAS), address("ANA@mail.example")))

    assert answer.status_code == 409
    assert "ANA@mail.example is listed twice. Remove one." in answer.content.decode()
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"first_name": ""}, "Enter a first name."),
        ({"first_name": "\u202e\x07"}, "Enter a first name."),
        ({"first_name": "A\x00na"}, "character that can’t be saved"),
        ({"first_name": "x" * 50_000}, "Enter at most 100 characters. You entered 50000."),
        ({"date_of_birth": "soon"}, "Enter the date as MM/DD/YYYY, such as 04/18/1989."),
        ({"date_of_birth": "12/31/2026"}, "in the future"),
        ({"date_of_birth": "01/01/1850"}, "Check the year"),
        ({"date_of_birth": "02/30/1988"}, "This date doesn’t exist."),
        ({"clinician": "unknown"}, "Choose a clinician from the list."),
        ({"clinician": "\x00"}, "Choose a clinician from the list."),
        ({"language": "tlh"}, "valid choice"),
        ({"addresses-TOTAL_FORMS": "many"}, "The form was incomplete"),
    ],
)
def test_invalid_input_shows_an_error(office: Browser, typed: dict[str, str], complaint: str) -> None:
    answer = office.post(ADDRESS, new_client(address(ANAS)) | typed)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert complaint in page
    assert 'value="Abreu"' in page
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    "typed", ["ana", "ana@", "a b@mail.example", "ana@mail", "ana@mail.example\x00", "ana@ﬁn.example"]
)
def test_malformed_address_stays_with_its_error(office: Browser, typed: str) -> None:
    answer = office.post(ADDRESS, new_client(address(typed)))

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not Client.objects.exists()


@pytest.mark.parametrize("typed", ["12", "call me", "+999999999999", "212-555-0134 x12", "9" * 60])
def test_malformed_number_stays_with_its_error(office: Browser, typed: str) -> None:
    answer = office.post(ADDRESS, new_client(phones=(phone(typed),)))

    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.content.decode()
    assert not Client.objects.exists()


def test_invisible_characters_are_removed(office: Browser) -> None:
    answer = office.post(ADDRESS, new_client(first_name="A\u202ena\u2028 <b>{{7*7}}</b>"), follow=True)

    assert Client.objects.get().first_name == "Ana <b>{{7*7}}</b>"
    assert "Ana &lt;b&gt;{{7*7}}&lt;/b&gt; Abreu" in answer.content.decode()


def test_rows_can_be_added_without_script(office: Browser) -> None:
    answer = office.post(ADDRESS, new_client(address("not yet"), first_name="", subject="Hi", add="addresses"))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count('class="contact-row"') == 3
    assert 'value="not yet"' in page
    assert 'value="Hi"' in page
    assert "aria-invalid" not in page
    assert not Client.objects.exists()


def test_number_of_rows_is_limited(office: Browser) -> None:
    answer = office.post(ADDRESS, new_client(*[address("")] * 20, add="addresses"))

    assert answer.content.decode().count('aria-label="Email ') == 20


def test_form_without_a_key_creates(office: Browser) -> None:
    office.post(ADDRESS, new_client(form_key=""))
    office.post(ADDRESS, new_client(form_key=""))

    assert Client.objects.count() == 2


def test_biller_cannot_create(client: Browser, practice: Practice) -> None:
    browser = cast.signed_in(client, cast.ines(practice))

    assert browser.get(ADDRESS).status_code == 403
    assert browser.post(ADDRESS, new_client()).status_code == 403
    assert not Client.objects.exists()


def test_each_step_is_recorded(office: Browser) -> None:
    office.post(ADDRESS, new_client(address(ANAS)) | INVITED)

    assert list(AuditEntry.objects.filter(client__isnull=False).order_by("id").values_list("action", "actor_name")) == [
        ("client.created", "Fay"),
        ("address.added", "Fay"),
        ("consent.recorded", "Fay"),
        ("access.address_chosen", "Fay"),
        ("access.turned_on", "Fay"),
        ("invitation.queued", "Fay"),
    ]


@pytest.mark.parametrize("send_now", [True, False])
def test_documents_are_shared_with_the_invitation_only(office: Browser, practice: Practice, *, send_now: bool) -> None:
    shared_documents.consent(practice, in_welcome_packet=True)
    ref = DocumentTemplate.objects.get().ref
    assert f'value="{ref}" id="document-{ref}" checked>' in office.get(ADDRESS).text
    typed = new_client(address(ANAS)) | INVITED | {"documents": ref}
    if not send_now:
        del typed["send_now"]
    for _ in range(2):
        assert office.post(ADDRESS, typed).status_code == 302
    assert Packet.objects.count() == DocumentRequest.objects.count() == int(send_now)
    if send_now:
        assert Packet.objects.get().email == OutgoingEmail.objects.get()


def test_query_count(office: Browser, django_assert_num_queries: object) -> None:
    assert callable(django_assert_num_queries)
    with django_assert_num_queries(5):
        office.get(ADDRESS)
