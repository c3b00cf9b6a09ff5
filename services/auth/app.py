"""The auth process: `python -m services.auth.app`."""

from sentinel.auth.v1 import auth_service_pb2
from sentinel.auth.v1.auth_service_pb2_grpc import add_AuthServiceServicer_to_server

from services.auth.passwords import Passwords
from services.auth.registration import Registration
from services.auth.servicer import AuthServicer
from services.auth.sessions import Sessions
from services.auth.signing import load_or_make
from services.auth.store import AuthStore
from services.common.clock import now_us
from services.common.process import Process, run

ROLE = "sentinel_auth"
_SERVICE = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]


async def main(process: Process) -> None:
    """Build everything, serve, shut down."""
    key = load_or_make(process.settings.data_dir / "keys")
    store = AuthStore(process.database)
    passwords = Passwords()
    sessions = Sessions(store, passwords, key)
    registration = Registration(store, passwords, sessions)

    published = False

    async def ready() -> None:
        nonlocal published
        if not published:
            await store.publish_key(key, now_us())
            published = True
        await process.store.ping()

    server = process.new_server([_SERVICE])
    server.reflect([_SERVICE])
    add_AuthServiceServicer_to_server(AuthServicer(registration, sessions, process.store), server.grpc)
    try:
        await process.serve(server, ready)
    finally:
        passwords.close()


if __name__ == "__main__":
    run("auth", ROLE, main)
