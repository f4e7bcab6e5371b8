"""Signatures by AWS's algorithm, held to botocore's own signer on any request it can be given."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clients.sigv4 import Keys, Scope, signed
from tests.kit import NOON
from tests.parts import missing

try:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError:
    SigV4Auth = None

SCOPE = Scope("eu-west-1", "sagemaker")
# AWS documents this pair of example keys; they open nothing
EXAMPLE = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

words = st.text(max_size=12)
pieces = st.one_of(words, st.sampled_from(["", ".", "..", "~", "a b", "a+b", "%", "a%2Fb", "ü/é", "*", "'", "&", "="]))
paths = st.lists(pieces, max_size=4).map(lambda each: "/" + "/".join(quote(piece, safe="") for piece in each))
pairs = st.tuples(pieces, pieces).map(lambda pair: "=".join(quote(word, safe="-_.~") for word in pair))
queries = st.lists(pairs | words.map(lambda word: quote(word, safe="-_.~")), max_size=4).map("&".join)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
headers = st.dictionaries(st.from_regex(r"\Ax-amz-[a-z][a-z-]{0,8}[a-z]\Z"), values, max_size=4)
secrets = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


def by_botocore(keys: Keys, scope: Scope, method: str, url: str, given_headers: dict[str, str], body: bytes):
    """(authorization, when) as botocore signs it now."""
    request = AWSRequest(method, url, headers=dict(given_headers), data=body)
    known = Credentials(keys.access_key_id, keys.secret_access_key, keys.session_token or None)
    SigV4Auth(known, scope.service, scope.region).add_auth(request)
    at = datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return request.headers["Authorization"], at


@pytest.fixture(autouse=True)
def _botocore() -> None:
    if SigV4Auth is None:
        missing("botocore")


@settings(max_examples=400, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]), path=paths, query=queries, given_headers=headers,
    body=st.binary(max_size=60), secret=secrets, token=st.just("") | secrets,
    region=st.sampled_from(["eu-west-1", "us-gov-west-1", "cn-north-1"]),
)  # fmt: skip
def test_every_signature_is_botocores(method, path, query, given_headers, body, secret, token, region) -> None:
    """Path segments with dots, blanks and slashes, repeated and empty parameters, any header, body and secret."""
    url = f"https://api.sagemaker.{region}.amazonaws.com:8443{path}{'?' + query if query else ''}"
    keys, scope = Keys("AKID", secret, token), Scope(region, "sagemaker")
    given_headers.pop("x-amz-date", None)
    theirs, at = by_botocore(keys, scope, method, url, given_headers, body)
    ours = signed(keys, scope, at, method, url, given_headers, body)
    assert ours["authorization"] == theirs
    assert ours.get("x-amz-security-token", "") == token


def test_a_signature_covers_every_part_of_the_request() -> None:
    """Another method, path, query, header, body, time, region or secret is another signature."""
    url, head = "https://api.sagemaker.eu-west-1.amazonaws.com/", {"x-amz-target": "SageMaker.DescribeEndpoint"}

    def made(keys=EXAMPLE, scope=SCOPE, at=NOON, method="POST", url=url, head=head, body=b"{}") -> str:
        return signed(keys, scope, at, method, url, head, body)["authorization"].rpartition("Signature=")[2]

    others = [
        made(method="GET"), made(url=f"{url}a"), made(url=f"{url}?a=1"), made(head={"x-amz-target": "SageMaker.Stop"}),
        made(body=b"{} "), made(at=NOON.replace(second=1)), made(scope=Scope("eu-west-2", "sagemaker")),
        made(keys=Keys("AKIDEXAMPLE", "another")), made(keys=Keys("AKIDEXAMPLE", EXAMPLE.secret_access_key, "token")),
    ]  # fmt: skip
    assert len({made(), *others}) == len(others) + 1
    assert made() == made()


def test_keys_are_not_shown() -> None:
    """Neither secret nor session token stands in what is printed."""
    shown = repr(Keys("AKID", "the-secret", "the-token"))
    assert "AKID" in shown
    assert "the-" not in shown
