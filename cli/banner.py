"""The text that `up` prints once the stack is healthy: its addresses and a first example."""

from string import Template

from services.platform.configuration.settings import Settings

_TEXT = Template("""
Sentinel Stack is up after $seconds s.

  REST, gRPC, gRPC-Web   $origin
  Health                 $origin/healthz
  Data folder            $data_dir
  Prometheus targets     $data_dir/run/metrics.json

Try it in another terminal:

  T=$$(curl -s $origin/auth/register \\
      -d '{"tenantName":"Acme","tenantSlug":"acme","email":"a@acme.test","password":"correct horse"}' \\
      | python3 -c 'import json,sys; print(json.load(sys.stdin)["tokens"]["accessToken"])')
  S=$$(curl -s $origin/services -H "Authorization: Bearer $$T" -d '{"name":"Shop"}' \\
      | python3 -c 'import json,sys; print(json.load(sys.stdin)["service"]["id"])')
  curl -s $origin/services/$$S/checks -H "Authorization: Bearer $$T" \\
      -d '{"name":"home","http":{"url":"https://example.com"},"interval":"10s","timeout":"5s"}'
  curl -sN $origin/results:stream -H "Authorization: Bearer $$T"
  curl -s $origin/services/$$S/status -H "Authorization: Bearer $$T"
  .venv/bin/grpcurl$plaintext -H "authorization: Bearer $$T" -d '{"page_size": 10}' \\
      $host:$port sentinel.monitor.v1.MonitorService/ListServices

Press Ctrl-C to stop.
""")


def banner(settings: Settings, seconds: float, tls_host: str | None) -> str:
    """Return the text.

    Args:
        settings: the settings of the stack.
        seconds: the duration of the start, in seconds.
        tls_host: a host name of Envoy's certificate; None without TLS.
    """
    host = tls_host or "localhost"
    return _TEXT.substitute(
        seconds=f"{seconds:.1f}",
        origin=f"{'https' if tls_host else 'http'}://{host}:{settings.http_port}",
        host=host,
        port=settings.http_port,
        plaintext="" if tls_host else " -plaintext",
        data_dir=settings.data_dir,
    )
