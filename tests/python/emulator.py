"""The emulator of this checkout: the program under test is the one that cargo built last."""

from __future__ import annotations

import os
import pathlib

from evergrant.testing import Emulator

__all__ = ["Emulator"]

ROOT = pathlib.Path(__file__).resolve().parents[2]

if "EVERGRANT_PROGRAM" not in os.environ:
    built = [path for path in ROOT.glob("target/**/debug/evergrant") if path.is_file()]
    if not built:
        raise FileNotFoundError("run `cargo build -p evergrant-cli` first")
    newest = max(built, key=lambda path: path.stat().st_mtime)
    os.environ["EVERGRANT_PROGRAM"] = str(newest)
