from __future__ import annotations

import logging
import pathlib

import pytest

import evergrant
from emulator import Emulator
from proxy import until
from script import run


def messages(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "evergrant"]


def test_events_are_records_of_logging(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="evergrant")
    evergrant.Client.from_webhook(emulator["webhook"]).call("crm.lead.get", {"ID": 5})
    facts = ("answered", "method=crm.lead.get", "portal=127.0.0.1:", "status=200", "waited_ms=")
    assert until(lambda: any(all(it in text for it in facts) for text in messages(caplog)))
    shown = "".join(messages(caplog))
    assert not [secret[:4] for secret in emulator.secrets() if secret in shown]


def test_what_nobody_wants_to_hear_is_not_said(
    emulator: Emulator, caplog: pytest.LogCaptureFixture, tmp_path: pathlib.Path
) -> None:
    caplog.set_level(logging.WARNING, logger="evergrant")
    evergrant.Client.from_webhook(emulator["webhook"]).call("crm.lead.get", {"ID": 5})
    # A later event of a level that is wanted: the earlier one would have come before it.
    evergrant.Application(client_id="a", client_secret="b", store=f"sqlite:{tmp_path}/grants.db")
    assert until(lambda: len(messages(caplog)) > 0)
    assert [text.split(":")[0] for text in messages(caplog)] == [
        "made a new master key beside the store"
    ]


def test_events_without_any_handler_end_well(emulator: Emulator) -> None:
    printed = run(
        """
        import logging, sys
        import evergrant

        logging.getLogger("evergrant").setLevel(logging.DEBUG)
        for _ in range(20):
            evergrant.Client.from_webhook(sys.argv[1]).call("profile")
        """,
        emulator["webhook"],
    )
    assert printed == ""
