from __future__ import annotations

import dataclasses
import pathlib
from typing import Any

import pytest

import evergrant
from emulator import Emulator


def test_from_consent_to_a_call(emulator: Emulator, application: evergrant.Application) -> None:
    link = application.authorize_url(emulator["portal"])
    assert link.url.startswith(emulator["portal"] + "/oauth/authorize/?client_id=")
    redirect = emulator.consent(state=link.state)["redirect_url"]
    grant = application.exchange(redirect, expected_state=link.state)
    assert (grant.member_id, grant.user_id, grant.status) == (emulator["member_id"], 1, "active")
    assert application.grants() == [grant] == [application.grant(grant.id)]
    assert application.client(grant.id).call("profile")["ID"] == "1"
    assert application.client_id == emulator["client_id"]


async def test_from_consent_to_a_call_awaited(emulator: Emulator, store: str) -> None:
    application = await evergrant.AsyncApplication.open(
        client_id=emulator["client_id"],
        client_secret=emulator["client_secret"],
        authorization_server=emulator["authorization"],
        store=store,
    )
    link = application.authorize_url(emulator["portal"])
    redirect = emulator.consent(state=link.state)["redirect_url"]
    grant = await application.exchange(redirect, expected_state=link.state)
    assert await application.grants() == [grant] == [await application.grant(grant.id)]
    assert (await application.token(grant.id)).generation == 1
    assert (await application.renew_token(grant.id, 1)).generation == 2
    assert (await application.client(grant.id).call("profile"))["ID"] == "1"
    again = await application.exchange_code(emulator["portal"], emulator.consent()["code"])
    assert (again.id, again.generation) == (grant.id, 3)


def test_a_token_is_renewed_when_it_is_called_expired(
    application: evergrant.Application, grant: evergrant.Grant
) -> None:
    first = application.token(grant.id, min_ttl=60)
    second = application.renew_token(grant.id, first.generation)
    assert second.generation == first.generation + 1
    assert second.access_token != first.access_token
    assert application.renew_token(grant.id, first.generation) == second
    assert application.token(grant.id) == second


def test_values_are_plain_frozen_and_comparable(
    application: evergrant.Application, grant: evergrant.Grant
) -> None:
    token = application.token(grant.id)
    assert token.access_token not in repr(token)
    assert isinstance(grant.scope, tuple)
    assert {grant, application.grant(grant.id)} == {grant}
    for value in (grant, token, application.authorize_url("example.bitrix24.com")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, 0)


def test_a_forged_redirect_is_refused(
    emulator: Emulator, application: evergrant.Application
) -> None:
    link = application.authorize_url(emulator["portal"])
    redirect = emulator.consent(state="forged")["redirect_url"]
    with pytest.raises(evergrant.StateMismatchError):
        application.exchange(redirect, expected_state=link.state)


def test_a_revoked_grant_asks_for_a_person(
    emulator: Emulator, application: evergrant.Application, grant: evergrant.Grant
) -> None:
    emulator.control("POST", "/revoke", {"user_id": 1})
    with pytest.raises(evergrant.NeedsReauthorizationError) as caught:
        application.client(grant.id).call("profile")
    assert caught.value.retry == "after_reauthorization"
    assert isinstance(caught.value, evergrant.AuthorizationError)


def settings(**changed: Any) -> dict[str, Any]:
    return {"client_id": "local.abc", "client_secret": "not-so-secret", **changed}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"client_id": " "}, "client_id"),
        ({"client_id": None}, "client_id"),
        ({"client_secret": None}, "client_secret"),
        ({"client_secret": ""}, "client_secret"),
        ({"store": "mongodb://localhost"}, "store"),
        ({"authorization_server": "https://evil.example"}, "authorization_server"),
        ({"key": "00" * 32, "key_file": "/nowhere"}, "key"),
    ],
)
def test_a_bad_setting_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(evergrant.InvalidInputError) as caught:
        evergrant.Application(**settings(**changed))
    assert caught.value.context["field"] == field


@pytest.mark.parametrize("changed", [{"key": "short"}, {"key_file": pathlib.Path("/no/such/file")}])
def test_a_key_that_cannot_be_used_is_an_error_of_the_store(changed: dict[str, Any]) -> None:
    with pytest.raises(evergrant.StoreError) as caught:
        evergrant.Application(**settings(**changed))
    assert caught.value.kind == "key"
    assert "short" not in str(caught.value)


def test_settings_are_named_never_positional() -> None:
    with pytest.raises(TypeError):
        evergrant.Application("local.abc", "secret")  # type: ignore[call-arg]


def test_one_host_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(TypeError):
        evergrant.Application(**settings(authorization_hosts="oauth.example.com"))


def test_a_store_in_a_file_is_opened_by_its_key(emulator: Emulator, tmp_path: pathlib.Path) -> None:
    key_file = tmp_path / "master.key"
    key_file.write_text("0f" * 32)
    known = {
        "client_id": emulator["client_id"],
        "client_secret": emulator["client_secret"],
        "authorization_server": emulator["authorization"],
        "store": f"sqlite:{tmp_path}/grants.db",
    }
    first = evergrant.Application(**known, key_file=key_file)
    grant = first.exchange_code(emulator["portal"], emulator.consent()["code"])
    again = evergrant.Application(**known, key="0f" * 32)
    assert again.token(grant.id) == first.token(grant.id)
    with pytest.raises(evergrant.StoreError):
        evergrant.Application(**known, key="ff" * 32)
