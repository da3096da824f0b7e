"""The terminal viewer: a price ladder, a trade tape and a status line of a running server.

What is drawn is worked out by modules that know no screen: `bars`, `figures`, `rows`, `ladder`,
`tape`, `status`. `session` follows a server by `market_depth.client`, `feed` does so in a thread.
`app` and the widgets, which need Textual, draw. `plain` prints lines, and needs none of it.
"""
