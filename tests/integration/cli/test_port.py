"""A taken port: the next free one is used and named, unless exactly that one was asked for."""

import socket

import pytest

from smalt.cli.serve import free_port
from smalt.kernel.errors import Conflict


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_next_free_port(taken):
    assert free_port("127.0.0.1", taken) > taken


def test_exactly_that_port(taken):
    with pytest.raises(Conflict) as caught:
        free_port("127.0.0.1", taken, exactly=True)
    assert caught.value.facts == {"port": taken}


def test_a_free_port_is_itself():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert free_port("127.0.0.1", port, exactly=True) == port
