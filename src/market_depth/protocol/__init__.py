"""The wire contract: every message, its encodings, and the frames that carry it."""
