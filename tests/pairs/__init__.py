"""Every dialect with every provider: conversations, answers and faults, against the simulator."""
