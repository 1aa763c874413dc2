"""Likely typos in the domain of an email address. They are only suggested, never corrected automatically."""

from difflib import get_close_matches

# The domains of most private mailboxes. A domain in this list is never questioned.
KNOWN_DOMAINS = (
    "gmail.com",
    "googlemail.com",
    "yahoo.com",
    "ymail.com",
    "rocketmail.com",
    "hotmail.com",
    "outlook.com",
    "live.com",
    "msn.com",
    "icloud.com",
    "me.com",
    "mac.com",
    "aol.com",
    "comcast.net",
    "verizon.net",
    "sbcglobal.net",
    "bellsouth.net",
    "charter.net",
    "earthlink.net",
    "att.net",
    "cox.net",
    "protonmail.com",
    "proton.me",
    "fastmail.com",
    "zoho.com",
    "mail.com",
    "email.com",
    "gmx.com",
    "gmx.net",
    "gmx.de",
    "web.de",
    "hotmail.es",
    "hotmail.co.uk",
    "hotmail.fr",
    "yahoo.es",
    "yahoo.co.uk",
    "yahoo.ca",
    "yahoo.com.mx",
    "outlook.es",
    "live.ca",
    "live.co.uk",
)
# Only these are suggested: what resembles a rare domain is more likely another real domain.
_COMMON = (
    "gmail.com",
    "yahoo.com",
    "hotmail.com",
    "outlook.com",
    "icloud.com",
    "comcast.net",
    "verizon.net",
    "protonmail.com",
)
_LIKENESS = 0.84


def suggestion(address: str) -> str | None:
    """Returns the address that was probably meant; None if the domain does not look like a typo."""
    local, at, domain = address.rpartition("@")
    domain = domain.lower()
    if not at or not local or domain in KNOWN_DOMAINS:
        return None
    near = get_close_matches(domain, _COMMON, n=1, cutoff=_LIKENESS)
    return f"{local}@{near[0]}" if near else None
