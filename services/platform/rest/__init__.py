"""Strict reading of REST requests: every part of a JSON body and of a query is accepted or refused, never dropped.

Envoy's transcoder drops unknown JSON fields, and lets a query override a path. So each JSON body is inspected before it
is transcoded (`body`, called over HTTP by Envoy: `body_check_server`), and each query after it
(`services/platform/rpc/interceptors/rest.py`). The reasons are in docs/adr/0035.
"""
