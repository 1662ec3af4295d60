"""The ledger: where every substrate came from and went to, in fmol (oxygen: mmHg µm³), since the start."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


class Ledger:
    """Running totals by account and entry, for example ``vegf_a`` / ``decay``.

    Amounts that enter are positive, amounts that leave are negative; ``residual`` is what the solver left open.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, dict[str, float]] = {}

    def book(self, account: str, entry: str, amount: float) -> None:
        """Add an amount to an entry."""
        entries = self.accounts.setdefault(account, {})
        entries[entry] = entries.get(entry, 0.0) + float(amount)

    def state(self) -> dict[str, np.ndarray]:
        """All totals by ``<account>/<entry>``."""
        return {
            f"{account}/{entry}": np.asarray(total)
            for account, entries in sorted(self.accounts.items())
            for entry, total in sorted(entries.items())
        }

    def load(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state."""
        self.accounts = {}
        for key, total in state.items():
            account, entry = key.split("/", 1)
            self.accounts.setdefault(account, {})[entry] = float(total)
