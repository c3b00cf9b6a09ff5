"""A chain is plain only while nothing about it is unusual."""

import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from services.wire.plain_chain import PlainAnchors, PlainChain
from tests.support.certificates import MIDDLE, ROOT, SERVER, Form, Signed, issue, of_version_1


def der(*signed: Signed) -> list[bytes]:
    return [each.certificate.public_bytes(Encoding.DER) for each in signed]


def chain_of(*sent: Signed, trusted: Signed, name: str = "localhost") -> PlainChain | None:
    return PlainAnchors(der(trusted)).chain_of(der(*sent), name)


def test_a_chain_is_valid_from_its_latest_certificate_until_its_first_one_ends() -> None:
    root = issue(replace(ROOT, days=(-9, 5)))
    middle = issue(replace(MIDDLE, days=(-3, 9)), root)
    server = issue(replace(SERVER, days=(-5, 7)), middle)

    chain = chain_of(server, middle, trusted=root)

    assert chain is not None
    assert abs(chain.valid_from - (time.time() - 3 * 86_400)) < 600
    assert abs(chain.valid_until - (time.time() + 5 * 86_400)) < 600
    assert chain.not_after == server.certificate.not_valid_after_utc


def test_what_comes_behind_the_root_does_not_matter_but_what_comes_before_does() -> None:
    root = issue(ROOT)
    middle, stranger = issue(MIDDLE, root), issue(replace(SERVER, subject="x"))
    server = issue(SERVER, middle)

    assert chain_of(server, middle, root, stranger, trusted=root) is not None
    assert chain_of(server, stranger, middle, trusted=root) is None
    assert chain_of(server, trusted=root) is None
    assert PlainAnchors(der(root)).chain_of([], "localhost") is None
    assert PlainAnchors(der(root)).chain_of([b"no certificate"], "localhost") is None


def test_another_key_of_the_same_name_makes_no_chain() -> None:
    root, namesake = issue(ROOT), issue(replace(ROOT, linked=False))
    server = issue(replace(SERVER, linked=False), root)

    assert chain_of(server, trusted=root) is not None
    assert chain_of(server, trusted=namesake) is None


@pytest.mark.parametrize(
    "form",
    [
        replace(ROOT, authority=False),
        replace(ROOT, authority=None),
        replace(ROOT, usage=frozenset({"crl_sign"})),
    ],
)
def test_a_root_that_may_not_issue_is_no_anchor(form: Form) -> None:
    anchors = PlainAnchors(der(issue(form)))
    assert (anchors.plain, anchors.are_all_plain) == ([], False)


def test_neither_an_intermediate_nor_a_namesake_nor_version_1_is_an_anchor() -> None:
    root = issue(ROOT)
    good = issue(replace(ROOT, subject="Good Root"))
    middle, old = issue(MIDDLE, root), issue(replace(ROOT, subject="Old Root"))
    anchors = PlainAnchors(der(good, root, issue(ROOT), middle, of_version_1(old, old)))

    assert anchors.plain == der(good)
    assert not anchors.are_all_plain
    assert PlainAnchors(der(good)).are_all_plain
    assert not PlainAnchors(der(good), others=1).are_all_plain


@pytest.mark.parametrize(
    ("names", "name", "is_for"),
    [
        (["a.shop.test"], "a.shop.test", True),
        (["A.Shop.TEST"], "a.shop.test", True),
        (["*.shop.test"], "a.shop.test", True),
        (["*.shop.test"], "shop.test", False),
        (["*.shop.test"], "a.b.shop.test", False),
        (["*.test"], "shop.test", False),
        (["a*.shop.test"], "ab.shop.test", False),
        (["192.0.2.1"], "192.0.2.1", True),
        (["2001:db8::1"], "2001:db8:0::1", True),
        (["192.0.2.1"], "192.0.2.2", False),
        (["other.test"], "a.shop.test", False),
    ],
)
def test_the_name_is_one_of_the_alternative_ones(names: list[str], name: str, is_for: bool) -> None:
    root = issue(ROOT)
    server = issue(replace(SERVER, names=names), root)
    assert (chain_of(server, trusted=root, name=name) is not None) is is_for
