"""Everything that can happen to lines. Locks go in one order: wallets by account, states by line, work rows."""
