"""Mails are read from a real IMAP server; what it does wrong is reported in words, within a bounded time."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.gateways import imap as gateway
from portico.gateways.imap import Batch, ImapMailbox, MailboxUnreadable, parse
from sandbox.mailbox.imap_server import Step
from tests.support.servers import certificates
from tests.support.servers.imap import ImapServer
from tests.support.servers.ports import free_port

# Independent of the database.
pytestmark = pytest.mark.sqlite


def fetch(mailbox: ImapMailbox, *, after_uid: int = 0, limit: int = 10, max_bytes: int = 1000) -> Batch:
    with mailbox.open() as folder:
        return folder.fetch(after_uid=after_uid, limit=limit, max_bytes=max_bytes)


@pytest.mark.parametrize("uid_comes_last", [False, True])
def test_new_mails_are_read_in_order_and_cut_off(imap: ImapServer, *, uid_comes_last: bool) -> None:
    imap.script.uid_comes_last = uid_comes_last
    for text in ("one", "two", "a third one (UID 99)"):
        imap.folder.add(text)
    mailbox = ImapMailbox(parse(imap.url))
    assert fetch(mailbox, after_uid=1, max_bytes=5) == Batch([(2, b"two"), (3, b"a thi")], 3, is_last=True)
    assert fetch(mailbox, limit=2) == Batch([(1, b"one"), (2, b"two")], 2, is_last=False)
    assert fetch(mailbox, after_uid=3) == Batch([], 3, is_last=True)


def test_gaps_between_uids_are_crossed(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "SEARCHED_UIDS", 100)
    imap.folder.mails = {7: b"seven", 350: b"last"}
    mailbox = ImapMailbox(parse(imap.url))
    assert fetch(mailbox) == Batch([(7, b"seven")], 100, is_last=False)
    assert fetch(mailbox, after_uid=100) == Batch([], 200, is_last=False)
    assert fetch(mailbox, after_uid=300) == Batch([(350, b"last")], 350, is_last=True)


def test_an_empty_mailbox_has_no_mails(imap: ImapServer) -> None:
    with ImapMailbox(parse(imap.url)).open() as folder:
        assert folder.uid_validity == 1
        assert folder.fetch(after_uid=0, limit=10, max_bytes=10) == Batch([], 0, is_last=True)


def test_mails_are_read_over_tls(imap_server: Callable[..., ImapServer]) -> None:
    server = imap_server(context=certificates.server_context())
    server.folder.add("one")
    settings = parse(f"imaps://reports:reports@127.0.0.1:{server.port}")
    assert fetch(ImapMailbox(settings, certificates.trusting_context())).mails == [(1, b"one")]
    with pytest.raises(MailboxUnreadable, match="certificate is not good"):
        fetch(ImapMailbox(settings))


def test_no_password_is_sent_unencrypted(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "ip_address", lambda _: type("Far", (), {"is_loopback": False}))
    with pytest.raises(MailboxUnreadable, match="not encrypted"):
        fetch(ImapMailbox(parse(imap.url)))
    starttls = parse(f"imap+starttls://reports:reports@127.0.0.1:{imap.port}")
    with pytest.raises(MailboxUnreadable, match=r"STARTTLS|TLS not supported"):
        fetch(ImapMailbox(starttls))
    assert imap.script.logins == 0


def test_a_wrong_password_is_reported_without_it(imap: ImapServer) -> None:
    with pytest.raises(MailboxUnreadable, match="Invalid credentials") as refused:
        fetch(ImapMailbox(parse(f"imap://reports:hunter2@127.0.0.1:{imap.port}")))
    assert "hunter2" not in str(refused.value)


def test_user_and_password_may_hold_quotes_and_spaces(imap: ImapServer) -> None:
    imap.script.user, imap.script.password = 'a "b" \\', 'p" x\\'
    assert fetch(ImapMailbox(parse(f"imap://a%20%22b%22%20%5C:p%22%20x%5C@127.0.0.1:{imap.port}"))).mails == []


@pytest.mark.parametrize("step", ["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH"])
def test_a_refusal_at_any_step_is_reported(imap: ImapServer, step: Step) -> None:
    imap.folder.add("one")
    imap.script.refuses_at, imap.script.words = step, "Over\x07quota"
    with pytest.raises(MailboxUnreadable) as refused:
        fetch(ImapMailbox(parse(imap.url)))
    assert str(refused.value).isprintable()
    imap.script.refuses_at, imap.script.closes_at = None, step
    with pytest.raises(MailboxUnreadable):
        fetch(ImapMailbox(parse(imap.url)))


@pytest.mark.parametrize("step", ["CONNECT", "LOGIN", "SELECT", "SEARCH", "FETCH"])
def test_a_server_that_hangs_is_given_up(imap: ImapServer, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    monkeypatch.setattr(gateway, "STEP_SECONDS", 0.2)
    imap.folder.add("one")
    imap.script.hangs_at = step
    with pytest.raises(MailboxUnreadable, match=r"timed out|cannot"):
        fetch(ImapMailbox(parse(imap.url)))


def test_a_server_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "CONNECTION_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as door:
        is_over = threading.Event()

        def drip() -> None:
            visitor, _ = door.accept()
            with visitor:
                while not is_over.wait(0.05):
                    try:
                        visitor.sendall(b"*")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        began_at = time.monotonic()
        with pytest.raises(MailboxUnreadable):
            fetch(ImapMailbox(parse(f"imap://u:p@127.0.0.1:{door.getsockname()[1]}")))
        assert time.monotonic() - began_at < 20
        is_over.set()
        thread.join()


def test_an_unreachable_server_is_reported() -> None:
    with pytest.raises(MailboxUnreadable, match=r"127\.0\.0\.1 cannot be reached"):
        fetch(ImapMailbox(parse(f"imap://u:p@127.0.0.1:{free_port()}")))


@pytest.mark.parametrize("says", [b"", b"nonsense\r\n", b"* OK\xff\x00\r\n", b"* OK x\r\n" + b"\xff" * 2_000_000])
def test_an_invalid_server_is_reported(says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            visitor, _ = door.accept()
            with visitor, suppress(OSError):
                visitor.sendall(says)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(MailboxUnreadable) as refused:
            fetch(ImapMailbox(parse(f"imap://u:p@127.0.0.1:{door.getsockname()[1]}")))
        assert str(refused.value).isprintable()
        thread.join()


@pytest.mark.parametrize("number", [2**32, 10**30])
def test_numbers_that_imap_does_not_have_are_reported(imap: ImapServer, number: int) -> None:
    imap.script.uid_validity = number
    with pytest.raises(MailboxUnreadable, match="above 4294967295"):
        fetch(ImapMailbox(parse(imap.url)))
    imap.script.uid_validity = 2**32 - 1
    assert fetch(ImapMailbox(parse(imap.url))).mails == []
    imap.folder.mails = {number: b"one"}
    with pytest.raises(MailboxUnreadable, match="above 4294967295"):
        fetch(ImapMailbox(parse(imap.url)))


DIGITS = st.sampled_from([b"0", b"7", b"-1", b"4294967295", b"4294967296", b"9" * 30, b"9" * 5000, b"", b"x", b"\xff"])
LINES = st.sampled_from([
    b"* OK [UIDVALIDITY %s] x", b"* OK [UIDNEXT %s] x", b"* %s EXISTS", b"* SEARCH %s", b"* SEARCH 1 2 %s", b"* BYE %s",
    b"* 1 FETCH (UID %s BODY[]<0> {3}\r\nabc)", b"* 1 FETCH (UID 1 BODY[]<0> {%s}\r\nabc)", b"* 1 FETCH (UID %s)",
    b"* CAPABILITY IMAP4rev1 %s", b"* OK {%s}", b"+ %s", b"* %s", b"TAG OK %s", b"TAG NO %s", b"TAG BAD {%s}", b"%s",
])  # fmt: skip
ANSWER = st.lists(st.tuples(LINES, DIGITS).map(lambda each: each[0].replace(b"%s", each[1])), max_size=4)
# Most begin as a good server does, so that the later steps are reached.
SELECTED = [b"* OK [UIDVALIDITY 1] x", b"* OK [UIDNEXT 9] x"]
GOOD: tuple[list[bytes], ...] = (
    [b"* CAPABILITY IMAP4rev1"],
    [],
    SELECTED,
    [b"* SEARCH 1 2"],
    [b"* 1 FETCH (UID 1 BODY[]<0> {3}", b"abc)"],
    [],
)


@given(
    st.integers(0, len(GOOD) - 1),
    st.lists(st.tuples(ANSWER, st.sampled_from([b"TAG OK x", b"TAG NO x", b""])), min_size=1, max_size=3),
)
def test_no_answer_of_a_server_raises_anything_else(reached: int, hostile: list[tuple[list[bytes], bytes]]) -> None:
    good = [(list(lines), b"TAG OK x") for lines in GOOD]
    answers = [*good[:reached], *hostile, *good[reached + len(hostile) :]]
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            visitor, _ = door.accept()
            with visitor, suppress(OSError), visitor.makefile("rb") as commands:
                visitor.sendall(b"* OK Ready\r\n")
                for (lines, last), command in zip(answers, commands, strict=False):
                    text = b"".join(line + b"\r\n" for line in (*lines, last) if line)
                    visitor.sendall(text.replace(b"TAG", command.split(b" ")[0]))
                    if not last:
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.MonkeyPatch.context() as patch, suppress(MailboxUnreadable):
            # For an answer that announces more than it has.
            patch.setattr(gateway, "STEP_SECONDS", 0.05)
            batch = fetch(ImapMailbox(parse(f"imap://u:p@127.0.0.1:{door.getsockname()[1]}")))
            assert 0 <= batch.read_to < 2**32
            assert all(0 < uid < 2**32 for uid, _text in batch.mails)
        thread.join()


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "folder"),
    [
        ("imaps://u:p@mail.example.com", "mail.example.com", 993, "imaps", "INBOX"),
        ("imap+starttls://u:p@Mail.Example.com./Reports", "mail.example.com", 143, "imap+starttls", "Reports"),
        ("imap://u%40x:p%2F@[::1]:1143/A%2FB", "::1", 1143, "imap", "A/B"),
    ],
)
def test_addresses_are_parsed(url: str, host: str, port: int, tls: str, folder: str) -> None:
    server = parse(url)
    assert (server.host, server.port, server.tls, server.folder) == (host, port, tls, folder)
    assert "password" not in repr(server)


def test_a_folder_has_one_key_however_it_is_reached() -> None:
    urls = ["imaps://u:p@mail.example.com/A", "imap+starttls://u:q@MAIL.example.com:1143/A"]
    others = ["imaps://u:p@mail.example.com/B", "imaps://v:p@mail.example.com/A", "imaps://u:p@example.com/A"]
    keys = [ImapMailbox(parse(url)).key for url in (*urls, *others)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4


@pytest.mark.parametrize(
    "url",
    [
        "imaps://mail.example.com/INBOX",
        "imaps://user@mail.example.com",
        "pop3://u:hunter2@mail.example.com",
        "imaps://u:hunter2@mail.example.com:0",
        "imaps://u:hunter2@mail.example.com/INBOX?x",
        "imap://u:hunter2@mail.example.com",
        "imaps://u:hunter2%0d@mail.example.com",
        "imaps://ü:hunter2@mail.example.com",
        "imaps://u:hunter2@[mail",
        "hunter2",
    ],
)
def test_unusable_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse(url)
    assert "hunter2" not in str(refused.value)
