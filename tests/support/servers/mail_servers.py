"""Postfix and Dovecot on loopback: Postfix relays to another server; Dovecot serves the reports about it by IMAP."""

import os
import pwd
import shutil
import signal
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from imaplib import IMAP4
from pathlib import Path

import pytest

from scripts.system_packages import DOVECOT, POSTFIX
from tests.support.servers import certificates
from tests.support.servers.ports import free_port
from tests.support.servers.smtp import SmtpServer

MASTER = "/usr/lib/postfix/sbin/master"
# Postfix tries a mail every second, reports the delay after one, and gives up after so many.
LIFETIME_SECONDS = 12
SERVICES = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
POSTFIX_SETTINGS = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = mx.portico.test
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{relay_port}
recipient_delimiter = +
virtual_mailbox_domains = portico.test
virtual_mailbox_maps = static:reports/
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
disable_dns_lookups = yes
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
delay_warning_time = 1s
maximal_queue_lifetime = {lifetime}s
smtp_tls_security_level = none
"""
DOVECOT_SETTINGS = """\
base_dir = {folder}/dovecot
log_path = {folder}/log/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/both.pem
ssl_key = <{folder}/both.pem
first_valid_uid = 1
mail_location = maildir:{folder}/mail/reports
default_login_user = dovenull
default_internal_user = dovecot
passdb {{
  driver = static
  args = password=reports
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass
class MailServers:
    """Postfix relays mail from `url` to `receiver`; the reports about it arrive in the mailbox of `mailbox_url`."""

    folder: Path
    smtp_port: int
    imap_port: int
    receiver: SmtpServer

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.smtp_port}"

    @property
    def mailbox_url(self) -> str:
        return f"imap+starttls://reports:reports@127.0.0.1:{self.imap_port}/INBOX"

    def answer(self) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=5), IMAP4("127.0.0.1", self.imap_port, timeout=5):
                return True
        except OSError:
            return False

    def wait_for(self, is_done: Callable[[], object], *, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not is_done():
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def log(self) -> str:
        return "".join(path.read_text("utf-8", "replace") for path in sorted((self.folder / "log").iterdir()))


@pytest.fixture
def mail_servers(smtp: SmtpServer) -> Iterator[MailServers]:
    """Starts both servers, which relay to `smtp`. As root only: Postfix starts its parts under other users."""
    # Postfix reports what it relayed only for a server that does not send reports itself.
    smtp.sends_reports = False
    assert Path(POSTFIX).exists(), "Postfix is missing. Please run: make packages"
    assert Path(DOVECOT).exists(), "Dovecot is missing. Please run: make packages"
    folder = Path(tempfile.mkdtemp(prefix="portico-mail-"))
    servers = MailServers(folder, free_port(), free_port(), smtp)
    running: list[subprocess.Popen[bytes]] = []
    try:
        _write_settings(servers)
        # Creates the folders of the queue.
        subprocess.run([POSTFIX, "-c", folder / "postfix", "check"], check=True, capture_output=True)
        # Not with `postfix start-fg`: a shell would be between us and it.
        running.append(_start([MASTER, "-c", str(folder / "postfix"), "-s"]))
        running.append(_start([DOVECOT, "-F", "-c", str(folder / "dovecot.conf")]))
        servers.wait_for(servers.answer)
        yield servers
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(10)
        shutil.rmtree(folder)


def _write_settings(servers: MailServers) -> None:
    folder, owner = servers.folder, pwd.getpwnam("mail")
    folder.chmod(0o755)
    for name in ("postfix", "queue", "data", "log", "mail", "dovecot"):
        (folder / name).mkdir()
    os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    shutil.chown(folder / "data", "postfix")
    certificates.write(folder / "both.pem")
    values = {"folder": folder, "uid": owner.pw_uid, "gid": owner.pw_gid}
    (folder / "postfix" / "master.cf").write_text(SERVICES.format(port=servers.smtp_port))
    settings = POSTFIX_SETTINGS.format(**values, relay_port=servers.receiver.port, lifetime=LIFETIME_SECONDS)
    (folder / "postfix" / "main.cf").write_text(settings)
    (folder / "dovecot.conf").write_text(DOVECOT_SETTINGS.format(**values, port=servers.imap_port))


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
