"""Encrypted connections to carriers: only with those somebody vouches for, and no handshake holds a worker."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lines.carriers import exchange
from lines.carriers.base import Unreachable
from tests.carriers.test_carriers_wire import LINE, WELL_WITHIN, client_of, read, switch

if TYPE_CHECKING:
    from tests.carriers.conftest import OddCarrier


def _self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def _with_tls(odd: OddCarrier, path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    odd.socket = context.wrap_socket(odd.socket, server_side=True, do_handshake_on_connect=False)
    odd.url = odd.url.replace("http:", "https:")
    odd.play = odd.answering(LINE)


class TestTls:
    def test_a_certificate_nobody_vouches_for_gets_nothing(self, odd: OddCarrier, tmp_path: Path) -> None:
        _with_tls(odd, _self_signed(tmp_path))
        with closing(client_of(odd, timeout=5)) as client:
            for ask in (read, switch):
                with pytest.raises(Unreachable, match="certificate"):
                    ask(client)
        assert odd.received == []

    def test_a_trusted_one_is_spoken_to(self, odd: OddCarrier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = _self_signed(tmp_path)
        _with_tls(odd, path)
        monkeypatch.setattr(exchange, "_tls", lambda: ssl.create_default_context(cafile=str(path)))
        with closing(client_of(odd, timeout=5)) as client:
            assert read(client).counter == 5

    def test_a_handshake_that_never_ends_is_cut_and_nothing_was_asked(
        self, odd: OddCarrier, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        odd.url = odd.url.replace("http:", "https:")
        blocked = threading.Event()
        monkeypatch.setattr(odd, "finish_request", lambda *_: blocked.wait(WELL_WITHIN * 2))
        with closing(client_of(odd)) as client:
            since = time.monotonic()
            with pytest.raises(Unreachable, match=r"within 0\.5 s"):
                switch(client)
            assert time.monotonic() - since < WELL_WITHIN
        blocked.set()
