"""fast_bitrix24 takes the emulator for a portal."""

from __future__ import annotations

from typing import Any

from fast_bitrix24 import Bitrix


def test_list_add_and_batch(portal: Any) -> None:
    b24 = Bitrix(portal.ready["webhook"], verbose=False)
    rows = b24.get_all("crm.lead.list", {"select": ["ID", "TITLE"]})
    assert sorted(int(row["ID"]) for row in rows) == list(range(1, 301))

    ids = b24.call(
        "crm.lead.add", [{"fields": {"TITLE": f"fast {n}"}} for n in range(120)]
    )
    assert sorted(ids) == list(range(301, 421))
    assert portal.count("portal", "requests") == 2 + 3, (
        "a page, a batch of pages, three of adds"
    )

    found = b24.get_by_ID("crm.lead.get", [5, 310])
    assert {key: row["ID"] for key, row in found.items()} == {"5": "5", "310": "310"}
