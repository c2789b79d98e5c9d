from __future__ import annotations

import asyncio
import pickle
import traceback

import pytest

import evergrant
from emulator import Emulator
from evergrant import EvergrantError, _native
from evergrant.errors import FAMILIES, from_core


def test_every_kind_of_the_core_has_a_class() -> None:
    assert set(FAMILIES) == set(_native.KINDS)
    for family in FAMILIES.values():
        assert getattr(evergrant, family.__name__) is family
        assert family is not EvergrantError


def test_an_unknown_kind_is_still_an_error_of_ours() -> None:
    error = from_core(
        kind="new",
        message="m",
        advice=None,
        code=None,
        status=None,
        retry="never",
        retry_after=None,
        context=[],
        causes=[],
        text="m",
    )
    assert type(error) is EvergrantError
    assert error.kind == "new"


def test_an_error_tells_everything(client: evergrant.Client) -> None:
    with pytest.raises(evergrant.RestError) as caught:
        client.call("no.such.method")
    error = caught.value
    assert (error.kind, error.code, error.status) == (
        "method_not_found",
        "ERROR_METHOD_NOT_FOUND",
        404,
    )
    assert (error.retry, error.retryable, error.retry_after) == ("never", False, None)
    assert error.context["method"] == "no.such.method"
    assert error.context["portal"].startswith("127.0.0.1:")
    assert error.message == "the portal answered: Method not found!"
    assert error.advice is not None
    assert error.advice in str(error)
    assert "no.such.method" in str(error)


def test_a_network_error_says_why(client: evergrant.Client) -> None:
    unreachable = evergrant.Client.from_webhook("http://127.0.0.1:1/rest/1/abcdefgh12345678/")
    with pytest.raises(evergrant.NetworkError) as caught:
        unreachable.call("profile")
    assert caught.value.retryable
    assert any("refused" in note for note in caught.value.__notes__)


def test_an_error_survives_pickling(client: evergrant.Client) -> None:
    with pytest.raises(evergrant.RestError) as caught:
        client.call("no.such.method")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is evergrant.RestError
    assert str(copy) == str(caught.value)
    assert vars(copy) == vars(caught.value)


def test_a_panic_is_an_internal_error(capfd: pytest.CaptureFixture[str]) -> None:
    async def later() -> None:
        await _native.panic_later().start()

    for defect in (
        _native.panic_now,
        lambda: _native.panic_later().wait(),
        lambda: asyncio.run(later()),
    ):
        with pytest.raises(evergrant.InternalError, match="a defect made on purpose"):
            defect()


def test_work_begins_once(emulator: Emulator) -> None:
    client = _native.Client.from_webhook(emulator["webhook"], None, None, None)
    work = client.call("profile", b"{}", (False, None, None, None))
    work.wait()
    with pytest.raises(evergrant.InternalError, match="begun already"):
        work.wait()


def test_no_secret_is_shown(
    emulator: Emulator, application: evergrant.Application, grant: evergrant.Grant
) -> None:
    token = application.token(grant.id)
    webhook = evergrant.Client.from_webhook(emulator["webhook"])
    values = [application, grant, token, application.client(grant.id), webhook]
    shown = [f"{value!r} {value!s} {[value]}" for value in values]
    for failing in (webhook, application.client(grant.id)):
        with pytest.raises(EvergrantError) as caught:
            failing.call("no.such.method", {"auth": token.access_token})
        trace = traceback.format_exception(caught.type, caught.value, caught.tb)
        shown += [*trace, repr(caught.value), repr(vars(caught.value))]
    secrets = emulator.secrets()
    assert token.access_token in secrets
    assert not [secret[:4] for secret in secrets if secret in "".join(shown)]
