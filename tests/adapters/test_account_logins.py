"""Login names made from names and keys."""

from itertools import islice

import pytest

from adapters.account_logins import personal_logins, system_logins
from domain.logins import kind_of_login


@pytest.mark.parametrize(
    ("name", "login"),
    [
        ("Anna Berg", "anna.berg"),
        ("Åsa Öberg-Ängström", "asa.oberg-angstrom"),
        ("  Søren   Æbelø 2 ", "soren.aebelo"),
        ("Łukasz Straße", "lukasz.strasse"),
        ("李小龍", "person"),
        ("", "person"),
    ],
)
def test_from_a_name(name: str, login: str) -> None:
    """The first login name is the name in plain letters."""
    assert next(personal_logins(name, "anna@x.example")) == login


def test_all_are_of_their_kind_and_different() -> None:
    """Every candidate has the form of its kind, and none comes twice."""
    personal = list(personal_logins("Anna Berg 7", "anna@x.example"))
    system = list(system_logins("permission/1"))

    assert {kind_of_login(each) for each in personal} == {"personal"}
    assert {kind_of_login(each) for each in system} == {"system"}
    assert len(set(personal)) == len(personal) == len(system) == 200


def test_namesakes_find_names_of_their_own() -> None:
    """After the letters of the alphabet the endings follow from the mail address."""
    first, second = (list(personal_logins("Anna Berg", f"anna@{n}.example")) for n in (1, 2))

    assert first[:27] == second[:27]
    assert not set(first[27:]) & set(second[27:])


def test_from_a_key() -> None:
    """The same key gives the same names, another key others."""
    first, again, other = (list(islice(system_logins(key), 5)) for key in ("a", "a", "b"))

    assert first == again
    assert not set(first) & set(other)
