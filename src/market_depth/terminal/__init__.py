"""The terminal viewer: a price ladder, a trade tape and a status line of a running server.

    choice ──▶ session ──frames──▶ app ──▶ widgets
                  │                 │
          condition, pacing     ladder, panels

- What is followed: `choice` says what a user wants and which streams that takes, `session` follows
  a view by `market_depth.client`, `condition` keeps how connection and symbols are, `pacing` how
  often things happen; `feed` runs all that in a thread.
- What is seen at one moment: `depth`, which is made of `rows`; `tape`; `flashes`.
- What stands where: `places` says which price has which line of the ladder; `ladder` and `panels`
  write `lines`, with `figures` and `bars`; they know no screen.
- The screen, which needs Textual: `app` (keys, and when what is drawn), `widgets`, `palette`.
- `plain` prints lines, and needs none of it.
"""
