"""The HTTP API: what a party's own programs may collect, receipt and drop. It holds no key.

`routes.py` is the one table of what there is; `app.py` serves it; `openapi.py` and `page.py` tell
of it. What is decided, is decided in `access`, `receipts` and, over its door, by the worker.
"""
