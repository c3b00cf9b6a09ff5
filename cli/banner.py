"""What `up` prints when everything is healthy: where it listens and what to try."""

from string import Template

from cli.settings import StackSettings

_TEXT = Template("""
Sentinel Stack is up after $seconds s.

  REST, gRPC, gRPC-Web   http://localhost:$port
  health                 http://localhost:$port/healthz
  data                   $data_dir
  Prometheus targets     $data_dir/run/metrics.json

Try, in another terminal:

  T=$$(curl -s localhost:$port/auth/register \\
      -d '{"tenantName":"Acme","tenantSlug":"acme","email":"a@acme.test","password":"correct horse"}' \\
      | python3 -c 'import json,sys; print(json.load(sys.stdin)["tokens"]["accessToken"])')
  S=$$(curl -s localhost:$port/services -H "Authorization: Bearer $$T" -d '{"name":"Shop"}' \\
      | python3 -c 'import json,sys; print(json.load(sys.stdin)["service"]["id"])')
  curl -s localhost:$port/services/$$S/checks -H "Authorization: Bearer $$T" \\
      -d '{"name":"home","http":{"url":"https://example.com"},"interval":"10s","timeout":"5s"}'
  curl -sN localhost:$port/results:stream -H "Authorization: Bearer $$T"
  curl -s localhost:$port/services/$$S/status -H "Authorization: Bearer $$T"
  .venv/bin/grpcurl -plaintext -H "authorization: Bearer $$T" -d '{"page_size": 10}' \\
      localhost:$port sentinel.monitor.v1.MonitorService/ListServices

Ctrl-C stops everything, in order.
""")


def banner(settings: StackSettings, seconds: float) -> str:
    """The text.

    Args:
        settings: of the stack.
        seconds: how long it took.
    """
    return _TEXT.substitute(seconds=f"{seconds:.1f}", port=settings.http_port, data_dir=settings.data_dir)
