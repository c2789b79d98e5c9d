from __future__ import annotations

import concurrent.futures
import signal
from typing import Callable

import pytest

import evergrant
from emulator import Emulator
from proxy import Proxy, until
from script import finish, run, start


@pytest.fixture
def proxy(emulator: Emulator, hold: Callable[[str], Proxy]) -> Proxy:
    return hold(emulator["portal"])


def test_other_threads_run_during_a_call(emulator: Emulator, proxy: Proxy) -> None:
    program = start(
        """
        import sys, threading
        import evergrant

        client = evergrant.Client.from_webhook(sys.argv[1])
        ticks, ticking = 0, threading.Event()

        def tick():
            global ticks
            while not ticking.wait(0.001):
                ticks += 1
                if ticks == 100:
                    print("ticking", flush=True)

        threading.Thread(target=tick).start()
        client.call("profile")
        ticking.set()
        print("called")
        """,
        proxy.before(emulator["webhook"]),
    )
    assert proxy.has(1)
    assert program.stdout is not None
    # The call is still held back.
    assert program.stdout.readline() == "ticking\n"
    proxy.release.set()
    assert finish(program) == "called\n"


def test_ctrl_c_ends_a_call(emulator: Emulator, proxy: Proxy) -> None:
    program = start(
        """
        import sys
        import evergrant

        client = evergrant.Client.from_webhook(sys.argv[1])
        try:
            client.call("profile")
        except KeyboardInterrupt:
            print("interrupted")
        """,
        proxy.before(emulator["webhook"]),
    )
    assert proxy.has(1)
    program.send_signal(signal.SIGINT)
    assert finish(program) == "interrupted\n"
    assert until(lambda: proxy.dropped == 1)


def test_a_signal_that_raises_nothing_changes_nothing(emulator: Emulator, proxy: Proxy) -> None:
    program = start(
        """
        import signal, sys
        import evergrant

        signal.signal(signal.SIGUSR1, lambda *_: print("heard", flush=True))
        print(evergrant.Client.from_webhook(sys.argv[1]).call("profile")["ID"])
        """,
        proxy.before(emulator["webhook"]),
    )
    assert proxy.has(1)
    program.send_signal(signal.SIGUSR1)
    assert program.stdout is not None
    assert program.stdout.readline() == "heard\n"
    proxy.release.set()
    assert finish(program) == "1\n"


def test_threads_share_a_client(client: evergrant.Client) -> None:
    with concurrent.futures.ThreadPoolExecutor(20) as threads:
        profiles = threads.map(lambda _: client.call("profile"), range(100))
        assert {profile["ID"] for profile in profiles} == {"1"}


async def test_a_blocking_call_works_inside_a_loop(client: evergrant.Client) -> None:
    assert client.call("profile")["ID"] == "1"


def test_import_alone_starts_no_thread() -> None:
    printed = run(
        """
        import os
        import evergrant
        print(evergrant.__version__, len(os.listdir("/proc/self/task")))
        """
    )
    assert printed == f"{evergrant.__version__} 1\n"
