"""What a user's own tests start from."""

from __future__ import annotations

import pathlib
import sys

import pytest

import evergrant
from evergrant import testing

USERS_TEST = """
import evergrant

pytest_plugins = ["evergrant.pytest_plugin"]


def test_my_integration_survives_an_hour(bitrix24_emulator):
    portal = bitrix24_emulator
    app = evergrant.Application(
        client_id=portal["client_id"],
        client_secret=portal["client_secret"],
        authorization_server=portal["authorization"],
    )
    b24 = app.client(app.exchange_code(portal["portal"], portal.consent()["code"]).id)
    portal.advance(3600)
    assert b24.call("profile")["ID"] == "1"
    assert portal.counters()["authorization"]["refreshes"] == 1
"""


def test_ten_lines_are_a_test(tmp_path: pathlib.Path) -> None:
    import subprocess

    (tmp_path / "test_mine.py").write_text(USERS_TEST)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_missing_program_is_said_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVERGRANT_PROGRAM")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match="EVERGRANT_PROGRAM"):
        testing.program()


def test_a_flag_that_does_not_exist_is_an_error_not_a_hang() -> None:
    with pytest.raises(RuntimeError, match="--no-such-flag"):
        testing.Emulator(no_such_flag=1)


def test_flags_may_be_lists_maps_and_absent() -> None:
    with testing.Emulator(leads=1) as running:
        port = int(running["portal"].rsplit(":", 1)[1])
    with testing.Emulator(
        portal_port=port,
        leads=1,
        tls=False,
        ca_file=None,
        set={"rotation": "family", "omit": ["status"]},
        portal=[{"leads": 5}, {"seed": 9, "settings": {"paid": False}}],
        application={
            "client_id": "app.other",
            "client_secret": "Other",
            "redirect_uri": "http://127.0.0.1:9/back",
        },
        user=({"id": 5, "kind": "admin"}, {"id": 6, "name": "Zoë"}),
    ) as portal:
        assert portal["portal"] == f"http://127.0.0.1:{port}"
        assert portal.ready.get("tls") is None
        settings = portal.control("GET", "/settings")
        assert (settings["rotation"], settings["omit"]) == ("family", ["status"])
        assert len(portal["portals"]) == 3
        third = portal["portals"][2]["member_id"]
        assert portal.control("GET", f"/portals/{third}/settings")["paid"] is False
        assert [known["client_id"] for known in portal["applications"]][1:] == ["app.other"]
        users = {user["id"]: user for user in portal.control("GET", "/users")}
        assert (users[5]["kind"], users[6]["name"]) == ("admin", "Zoë")
    with testing.Emulator(set=["rotation=grace", "grace_window=5"]) as portal:
        assert portal.control("GET", "/settings")["grace_window"] == 5


def test_a_refusal_of_the_control_port_keeps_its_words() -> None:
    words = r"POST /settings: 400 .*must be one of: strict, grace"
    with testing.Emulator(leads=1) as portal, pytest.raises(RuntimeError, match=words):
        portal.control("POST", "/settings", {"rotation": "loose"})


def test_the_emulator_ends_with_its_context() -> None:
    with testing.Emulator(leads=1) as portal:
        b24 = evergrant.Client.from_webhook(portal["webhook"])
        assert b24.call("profile")["ID"] == "1"
    with pytest.raises(evergrant.NetworkError):
        b24.call("profile")
