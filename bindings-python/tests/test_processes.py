"""What happens when a process ends, and when it forks."""

from __future__ import annotations

import pathlib
import pickle
import subprocess
import sys
from typing import Callable

import pytest

import evergrant
from emulator import Emulator
from proxy import Proxy
from script import PATIENCE, run

CALL = """
import asyncio, sys
import evergrant

async def main():
    client = evergrant.AsyncClient.from_webhook(sys.argv[1])
    return await client.call("profile")

print(asyncio.run(main())["ID"])
"""


def test_fifty_short_programs_end_well(emulator: Emulator) -> None:
    for _ in range(50):
        assert run(CALL, emulator["webhook"]) == "1\n"


def test_a_program_ends_with_a_call_under_way(
    emulator: Emulator, hold: Callable[[str], Proxy]
) -> None:
    proxy = hold(emulator["portal"])
    webhook = proxy.before(emulator["webhook"])
    printed = run(
        """
        import asyncio, sys, threading, time
        import evergrant

        async def main():
            client = evergrant.AsyncClient.from_webhook(sys.argv[1])
            calls = [asyncio.ensure_future(client.call("profile")) for _ in range(20)]
            await asyncio.sleep(0.1)

        blocking = evergrant.Client.from_webhook(sys.argv[1])
        for _ in range(5):
            threading.Thread(target=blocking.call, args=("profile",), daemon=True).start()
        asyncio.run(main())
        print("bye")
        """,
        webhook,
    )
    assert printed == "bye\n"


def test_exit_handlers_may_block_but_not_await(emulator: Emulator) -> None:
    printed = run(
        """
        import asyncio, atexit, sys

        @atexit.register
        def last():
            print(evergrant.Client.from_webhook(sys.argv[1]).call("profile")["ID"])
            try:
                asyncio.run(evergrant.AsyncClient.from_webhook(sys.argv[1]).call("profile"))
            except evergrant.OperationCancelledError as error:
                print(error.message)

        import evergrant
        asyncio.run(evergrant.AsyncClient.from_webhook(sys.argv[1]).call("profile"))
        """,
        emulator["webhook"],
    )
    assert printed == "1\nthe interpreter is shutting down\n"


FORK = """
import asyncio, os, sys
import evergrant

webhook, store, *settings = sys.argv[1:]
client_id, client_secret, server, portal, code = settings
application = evergrant.Application(
    client_id=client_id,
    client_secret=client_secret,
    authorization_server=server,
    store=store,
    key="0f" * 32,
)
grant = application.exchange_code(portal, code)

def use():
    assert evergrant.Client.from_webhook(webhook).call("profile")["ID"] == "1"
    assert application.client(grant.id).call("profile")["ID"] == "1"
    client = evergrant.AsyncClient.from_webhook(webhook)
    assert asyncio.run(client.call("profile"))["ID"] == "1"

use()
for _ in range(4):
    child = os.fork()
    if child == 0:
        try:
            use()
            # Tokens in memory may be read on; this asks the store.
            application.grant(grant.id)
            print("child works", flush=True)
        except evergrant.EvergrantError as error:
            print(error.kind, flush=True)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        os._exit(0)
    os.waitpid(child, 0)
use()
print("parent works")
"""


def fork(emulator: Emulator, store: str) -> str:
    return run(
        FORK,
        emulator["webhook"],
        store,
        emulator["client_id"],
        emulator["client_secret"],
        emulator["authorization"],
        emulator["portal"],
        emulator.consent()["code"],
    )


def test_forked_children_and_their_parent_work_on(
    emulator: Emulator, tmp_path: pathlib.Path
) -> None:
    assert fork(emulator, f"sqlite:{tmp_path}/grants.db") == "child works\n" * 4 + "parent works\n"


def test_a_store_in_memory_stays_with_its_process(emulator: Emulator) -> None:
    assert fork(emulator, "memory") == "unknown_grant\n" * 4 + "parent works\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(emulator: Emulator, tmp_path: pathlib.Path, method: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        """
import asyncio, multiprocessing, sys
import evergrant

def lead(number):
    client = evergrant.Client.from_webhook(sys.argv[1])
    title = client.call("crm.lead.get", {"ID": number})["ID"]
    again = evergrant.AsyncClient.from_webhook(sys.argv[1])
    assert asyncio.run(again.call("profile"))["ID"] == "1"
    return title

def fail(_):
    evergrant.Client.from_webhook(sys.argv[1]).call("no.such.method")

if __name__ == "__main__":
    lead(1)
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        print(pool.map(lead, [1, 2, 3]))
        try:
            pool.map(fail, [1])
        except evergrant.RestError as error:
            print(error.code)
"""
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(program), emulator["webhook"], method],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("['1', '2', '3']\nERROR_METHOD_NOT_FOUND\n", "")
    assert done.returncode == 0


def test_a_client_does_not_travel_between_processes(client: evergrant.Client) -> None:
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(client)
