from __future__ import annotations

import collections
import datetime
import decimal
import enum
import json
import math
import types
from typing import Any

import pytest

import evergrant
from emulator import Emulator
from evergrant.parameters import encode


class Stage(str, enum.Enum):
    NEW = "NEW"


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
DEEP: dict[str, Any] = {}
for _ in range(10_000):
    DEEP = {"deeper": DEEP}
SHARED = [1]


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (None, "null"),
        ({}, "{}"),
        ({"b": 1, "a": {"d": 2, "c": 3}}, '{"b":1,"a":{"d":2,"c":3}}'),
        ([123, {"POST_MESSAGE": "x"}], '[123,{"POST_MESSAGE":"x"}]'),
        ((1, (2,)), "[1,[2]]"),
        ({"a": SHARED, "b": SHARED}, '{"a":[1],"b":[1]}'),
        ({"t": "Привет 🙂\0"}, '{"t":"Привет 🙂\\u0000"}'),
        ({"a": True, "b": None, "c": 1.5, "d": -(2**63), "e": 2**64 - 1}, None),
        ({"stage": Stage.NEW, 0: "x"}, '{"stage":"NEW","0":"x"}'),
        (types.MappingProxyType({"a": collections.OrderedDict(b=1)}), '{"a":{"b":1}}'),
    ],
)
def test_what_json_holds_is_written_in_order(params: Any, text: str | None) -> None:
    assert encode(params).decode() == (text or json.dumps(params, separators=(",", ":")))


@pytest.mark.parametrize(
    ("params", "where"),
    [
        (
            {"fields": {"BEGIN": datetime.date(2026, 1, 1)}},
            "params.fields.BEGIN is of type date",
        ),
        ({"a": [1, decimal.Decimal("1.5")]}, "params.a[1] is of type Decimal"),
        ({"a": float("nan")}, "params.a is nan"),
        ({"a": float("-inf")}, "params.a is -inf"),
        ({"a": 2**64}, "params.a is too large an integer"),
        ({"a": "\ud800"}, "params.a is not valid Unicode"),
        ({"\ud800": 1}, "params has a key that is not valid Unicode"),
        ({"a": b"bytes"}, "params.a is of type bytes"),
        ({"a": {1, 2}}, "params.a is of type set"),
        ({(1, 2): "x"}, "params has a key of type tuple"),
        ({None: "x"}, "params has a key of type NoneType"),
        (CYCLE, "params[0] contains itself"),
        (DEEP, "is nested too deeply"),
        ({"fields": {"PHONE": [{"VALUE": math.nan}]}}, "params.fields.PHONE[0].VALUE is nan"),
        ({"filter": {">ID": {1}}}, "params.filter['>ID'] is of type set"),
        ({"ID": evergrant.ref("lead")}, "params.ID is a reference, which only a batch can hold"),
        (object(), "params is of type object"),
    ],
)
def test_what_json_cannot_hold_is_named(
    client: evergrant.Client, emulator: Emulator, params: Any, where: str
) -> None:
    with pytest.raises(evergrant.InvalidInputError) as caught:
        client.call("crm.lead.add", params)
    assert where in str(caught.value)
    assert caught.value.context["field"] == "params"
    assert emulator.counters()["portal"]["requests"] == 0


@pytest.mark.parametrize("params", ["text", 5, True])
def test_a_lone_value_is_no_parameters(client: evergrant.Client, params: Any) -> None:
    with pytest.raises(evergrant.InvalidInputError, match="must be an object or a list"):
        client.call("profile", params)


def test_the_order_arrives(client: evergrant.Client, emulator: Emulator) -> None:
    params = {"select": ["TITLE", "ID"], "filter": {">ID": 5, "<ID": 9}, "order": {"ID": "DESC"}}
    rows = client.call("crm.lead.list", params)
    assert [row["ID"] for row in rows] == ["8", "7", "6"]
    body = json.loads(emulator.control("GET", "/log")[-1]["body"])
    assert json.dumps(body) == json.dumps(params)


@pytest.mark.parametrize(
    ("commands", "says"),
    [
        (["profile"], "commands has at 0 what is not a method"),
        ([("profile", {}), ("profile",)], "commands has at 1 what is not a method"),
        ([("profile", {"a": {1}})], "commands[0].a is of type set"),
        (
            [("profile", {"ID": [evergrant.ref("lead")["ID"]]})],
            "commands[0].ID[0] refers to 'lead', and no command before has that name",
        ),
        (
            [("a.list", {}, "many"), ("a.get", {"ID": evergrant.ref("many").each("ID")})],
            "commands[1].ID asks for a field of each item",
        ),
    ],
)
def test_a_bad_command_is_named(client: evergrant.Client, commands: Any, says: str) -> None:
    with pytest.raises(evergrant.InvalidInputError) as caught:
        client.batch(commands)
    assert says in str(caught.value)
    assert caught.value.context["field"] == "commands"


def test_a_command_that_the_core_refuses_is_numbered(client: evergrant.Client) -> None:
    with pytest.raises(evergrant.InvalidInputError) as caught:
        client.batch([("profile", None), ("batch", None)])
    assert caught.value.context["command"] == "1"
