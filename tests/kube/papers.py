"""Certificates for a control plane on the loopback: an authority, the server's own, and one for a client."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_PAST, _FUTURE = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2120, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Papers:
    """Files of one control plane."""

    authority: Path
    certificate: Path
    key: Path
    client_certificate: Path
    client_key: Path

    @classmethod
    def written(cls, folder: Path) -> Papers:
        """Make them anew in this folder. The client is a member of system:masters."""
        own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        issuer = _name("the authority of a test")
        parts = {"authority": _signed(issuer, own.public_key(), issuer, own, authority=True)}
        for who, organisation in (("server", ""), ("client", "system:masters")):
            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            parts[who] = _signed(_name(who, organisation), key.public_key(), issuer, own)
            parts[f"{who}-key"] = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
            )
        for name, content in parts.items():
            (folder / f"{name}.pem").write_bytes(content)
        return cls(*(folder / f"{name}.pem" for name in ("authority", "server", "server-key", "client", "client-key")))

    def kubeconfig(self, url: str, user: dict[str, Any]) -> dict[str, Any]:
        """A kubeconfig with one context `here`; `user` holds the credentials as a kubeconfig writes them."""
        trusted = base64.b64encode(self.authority.read_bytes()).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": url, "certificate-authority-data": trusted}}],
            "users": [{"name": "me", "user": user}],
        }


def _name(common: str, organisation: str = "") -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    return x509.Name(attributes)


def _signed(subject: x509.Name, public: Any, issuer: x509.Name, by: Any, *, authority: bool = False) -> bytes:
    """A certificate in PEM, signed by the authority's key."""
    usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_PAST)
        .not_valid_after(_FUTURE)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    )
    if authority:
        said = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
        said |= {"digital_signature": True, "key_cert_sign": True, "crl_sign": True}
        builder = builder.add_extension(x509.KeyUsage(**said, encipher_only=False, decipher_only=False), critical=True)
    else:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
