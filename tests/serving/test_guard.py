"""Who is let in, and where a server may listen without asking who calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from regulars.errors import ConfigError, StorageError
from regulars.serving.guard import Keys, check_address, check_host, is_loopback
from regulars.serving.problems import Problem

KEY, OTHER = "correct-horse-battery", "incorrect-horse-battery"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({b"authorization": b"Bearer " + KEY.encode()}, 0),
        ({b"authorization": b"bearer  " + KEY.encode()}, 0),
        ({b"x-api-key": KEY.encode()}, 0),
        ({}, 401),
        ({b"authorization": b"Bearer"}, 401),
        ({b"authorization": b"Basic " + KEY.encode()}, 401),
        ({b"x-api-key": b""}, 401),
        ({b"x-api-key": OTHER.encode()}, 403),
        ({b"x-api-key": KEY.encode()[:-1]}, 403),
        ({b"authorization": b"Bearer \xff"}, 403),
        # A wrong key is not made good by a right one in another header.
        ({b"authorization": b"Bearer " + OTHER.encode(), b"x-api-key": KEY.encode()}, 403),
    ],
)
def test_only_a_caller_with_a_key_is_let_in(headers: dict[bytes, bytes], status: int) -> None:
    keys = Keys.of("another-key-that-is-known", KEY)
    if not status:
        keys.check(headers)
        return
    with pytest.raises(Problem) as refused:
        keys.check(headers)
    assert refused.value.status == status
    assert ("www-authenticate" in refused.value.headers) == (status == 401)


def test_without_keys_every_caller_is_let_in() -> None:
    Keys().check({})
    assert not Keys()


def test_keys_show_nothing_of_themselves() -> None:
    assert KEY not in repr(Keys.of(KEY))
    assert KEY.encode() not in b"".join(Keys.of(KEY).digests)


def test_several_keys_stand_in_a_variable_or_in_the_file_that_another_names(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{KEY}\n{OTHER}\n")
    told = Keys.from_environment("K", {"K": f"{KEY} {OTHER}"})
    assert told == Keys.from_environment("K", {"K_FILE": str(tmp_path / "keys")}) == Keys.of(KEY, OTHER)
    assert not Keys.from_environment("K", {"K": " "})


@pytest.mark.parametrize("key", ["short", "with-a-umlaut-ü-in-it", "0123456789\x7f012345"])
def test_a_key_that_no_header_can_carry_or_anybody_guesses_is_refused(key: str) -> None:
    with pytest.raises(ConfigError, match="RG386") as refused:
        Keys.from_environment("K", {"K": key})
    assert key not in str(refused.value)


def test_a_file_of_keys_must_be_there_hold_one_and_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(StorageError, match="cannot be read"):
        Keys.from_environment("K", {"K_FILE": str(tmp_path / "nowhere")})
    with pytest.raises(ConfigError, match="holds no key"):
        Keys.from_environment("K", {"K_FILE": str(tmp_path / "empty")})
    with pytest.raises(ConfigError, match="both"):
        Keys.from_environment("K", {"K": KEY, "K_FILE": str(tmp_path / "empty")})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_an_address_of_this_machine_alone_needs_no_key(host: str) -> None:
    check_address(host, Keys(), insecure=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "0"])
def test_an_address_that_others_reach_needs_a_key_or_somebody_who_says_insecure(host: str) -> None:
    with pytest.raises(ConfigError, match="RG385"):
        check_address(host, Keys(), insecure=False)
    check_address(host, Keys.of(KEY), insecure=False)
    check_address(host, Keys(), insecure=True)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="RG384"):
        is_loopback("not an address")


@pytest.mark.parametrize("host", [b"localhost", b"LOCALHOST:8000", b"127.0.0.1:1", b"[::1]:8000", b"127.3.2.1"])
def test_without_keys_a_request_must_be_meant_for_this_machine(host: bytes) -> None:
    check_host({b"host": host})


@pytest.mark.parametrize("host", [b"", b"example.org", b"localhost.example.org", b"10.0.0.1:8000", b"127.0.0.1.nip.io"])
def test_a_page_elsewhere_that_plays_this_machine_in_a_browser_is_refused(host: bytes) -> None:
    with pytest.raises(Problem) as refused:
        check_host({b"host": host})
    assert refused.value.status == 421
