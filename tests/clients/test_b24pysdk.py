"""b24pysdk, the vendor's Python SDK, takes the emulator for a portal and for its OAuth server."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from b24pysdk import BitrixApp, BitrixToken, BitrixWebhook, Client


@pytest.fixture
def sdk_portal(monkeypatch: pytest.MonkeyPatch, portal: Any) -> Any:
    """It has https and the vendor's server wired in: both are pointed here. TLS it takes as it is."""
    if not portal.is_tls:
        caller = importlib.import_module(
            "b24pysdk.api.callers.call_method"
        )._MethodCaller
        base = property(lambda self: f"http://{self._domain}/rest")
        monkeypatch.setattr(caller, "_base_url", base)
    oauth = importlib.import_module("b24pysdk.api.requesters.bitrix_oauth_requester")
    token_url = portal.ready["authorization"] + "/oauth/token/"
    monkeypatch.setattr(
        oauth.BitrixOAuthRequester, "_OAUTH_TOKEN_URL", token_url, raising=True
    )
    return portal


def domain(portal: Any) -> str:
    return str(portal.ready["portal"]).split("://", 1)[1]


def test_list_add_and_batch(sdk_portal: Any) -> None:
    secret = sdk_portal.ready["webhook"].rstrip("/").split("/rest/", 1)[1]
    b24 = Client(BitrixWebhook(domain=domain(sdk_portal), webhook_token=secret))
    rows = b24.crm.lead.list(select=["ID", "TITLE"]).as_list().result
    assert [int(row["ID"]) for row in rows] == list(range(1, 301))
    fast = b24.crm.lead.list(select=["ID", "TITLE"]).as_list_fast().result
    assert sorted(int(row["ID"]) for row in fast) == list(range(1, 301))

    adds = [b24.crm.lead.add(fields={"TITLE": f"sdk {n}"}) for n in range(60)]
    ids = b24.call_batches(adds).result
    assert len(ids.result) == 60


def test_an_expired_token_is_refreshed(sdk_portal: Any) -> None:
    ready = sdk_portal.ready
    app = BitrixApp(client_id=ready["client_id"], client_secret=ready["client_secret"])
    code = sdk_portal.control("POST", "/consent", {"user_id": 1})["code"]
    answer = app.get_oauth_token(code)
    token = BitrixToken(
        domain=domain(sdk_portal),
        auth_token=answer.oauth_token.access_token,
        refresh_token=answer.oauth_token.refresh_token,
        bitrix_app=app,
    )
    b24 = Client(token)
    assert str(b24.crm.lead.get(bitrix_id=5).result["ID"]) == "5"
    sdk_portal.control("POST", "/clock", {"advance": 3600})
    assert str(b24.crm.lead.get(bitrix_id=5).result["ID"]) == "5"
    assert sdk_portal.count("authorization", "refreshes") == 1
