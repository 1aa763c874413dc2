"""Tests cannot reach other machines."""

import socket
import urllib.request

import pytest

from tests.support.network import NetworkIsOff


def test_a_name_outside_is_not_looked_up() -> None:
    with pytest.raises(NetworkIsOff):
        urllib.request.urlopen("http://example.org/")


def test_an_address_outside_is_not_reached() -> None:
    with socket.socket() as outside, pytest.raises(NetworkIsOff):
        outside.connect(("192.0.2.1", 80))
