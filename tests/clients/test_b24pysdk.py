"""b24pysdk, the vendor's Python SDK, takes the emulator for a portal and for its OAuth server."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from b24pysdk import BitrixApp, BitrixToken, BitrixWebhook, Client


@pytest.fixture
def over_http(monkeypatch: pytest.MonkeyPatch, portal: Any) -> Any:
    """It has https and the vendor's server wired in: over plain HTTP both are pointed elsewhere."""
    caller = importlib.import_module("b24pysdk.api.callers.call_method")._MethodCaller
    monkeypatch.setattr(caller, "_base_url", property(lambda self: f"http://{self._domain}/rest"))
    oauth = importlib.import_module("b24pysdk.api.requesters.bitrix_oauth_requester")
    token_url = portal.ready["authorization"] + "/oauth/token/"
    monkeypatch.setattr(oauth.BitrixOAuthRequester, "_OAUTH_TOKEN_URL", token_url, raising=True)
    return portal


def domain(portal: Any) -> str:
    return str(portal.ready["portal"]).split("://", 1)[1]


def test_list_add_and_batch(over_http: Any) -> None:
    secret = over_http.ready["webhook"].rstrip("/").split("/rest/", 1)[1]
    b24 = Client(BitrixWebhook(domain=domain(over_http), webhook_token=secret))
    rows = b24.crm.lead.list(select=["ID", "TITLE"]).as_list().result
    assert [int(row["ID"]) for row in rows] == list(range(1, 301))
    fast = b24.crm.lead.list(select=["ID", "TITLE"]).as_list_fast().result
    assert sorted(int(row["ID"]) for row in fast) == list(range(1, 301))

    adds = [b24.crm.lead.add(fields={"TITLE": f"sdk {n}"}) for n in range(60)]
    ids = b24.call_batches(adds).result
    assert len(ids.result) == 60


def test_an_expired_token_is_refreshed(over_http: Any) -> None:
    ready = over_http.ready
    app = BitrixApp(client_id=ready["client_id"], client_secret=ready["client_secret"])
    code = over_http.control("POST", "/consent", {"user_id": 1})["code"]
    answer = app.get_oauth_token(code)
    token = BitrixToken(
        domain=domain(over_http),
        auth_token=answer.oauth_token.access_token,
        refresh_token=answer.oauth_token.refresh_token,
        bitrix_app=app,
    )
    b24 = Client(token)
    assert str(b24.crm.lead.get(bitrix_id=5).result["ID"]) == "5"
    over_http.control("POST", "/clock", {"advance": 3600})
    assert str(b24.crm.lead.get(bitrix_id=5).result["ID"]) == "5"
    assert over_http.count("authorization", "refreshes") == 1
