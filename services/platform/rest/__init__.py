"""REST requests as clients wrote them: what is in a JSON body and in a query is accepted or refused, never dropped.

Envoy's transcoder drops JSON fields that it does not know, and lets a query override a path. So each JSON body is
inspected before it is transcoded (`body`, over HTTP from Envoy: `door_check`), and each query after it
(`services/platform/rpc/interceptors/rest.py`). docs/adr/0035 says why.
"""
