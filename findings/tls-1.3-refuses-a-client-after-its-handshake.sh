#!/bin/sh
# CPython 3.11 with OpenSSL 3.0: a server that demands a client certificate refuses a client without one in the handshake under
# TLS 1.2, but after it under TLS 1.3. There the client's handshake succeeds, and so does its first write; the alert comes with its
# first read. A probe that shakes hands and looks at the certificate is content with a server that will not serve it, from
# the day on which the server begins to speak TLS 1.3. Code that expects a refusal around the handshake does not see it.
#
# What helps: read after the handshake, for as long as the check allows, if the server has asked for a certificate.
#
# Seen, of a client without a certificate:
#   TLSv1.2  handshake: SSLV3_ALERT_HANDSHAKE_FAILURE
#   TLSv1.3  handshake, write: fine; read: TLSV13_ALERT_CERTIFICATE_REQUIRED
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check cryptography==50.0.2
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import datetime, socket, ssl, threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.test")])
day = datetime.timedelta(1)
builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("a.test")]), critical=False)
certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
encoding = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
with open("a.pem", "wb") as file:
    file.write(certificate + key.private_bytes(*encoding))


def serve(listener, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("a.pem")
    context.load_verify_locations("a.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = context.maximum_version = version
    connection, _ = listener.accept()
    with context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False) as wrapped:
        try:
            wrapped.do_handshake()
        except ssl.SSLError as error:
            print("server:", error.reason)
        while socket.socket.recv(wrapped, 65536):
            pass  # closed with something unread, the connection would be reset, and the client could miss the alert


def seen_by_client(version):
    steps = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener, version))
        server.start()
        context = ssl.create_default_context(cadata=certificate.decode())
        try:
            with socket.create_connection(listener.getsockname()) as raw:
                with context.wrap_socket(raw, server_hostname="a.test") as client:
                    steps.append("handshake")
                    client.sendall(b"hello")
                    steps.append("write")
                    client.recv(1)
                    steps.append("read")
        except ssl.SSLError as error:
            steps.append(error.reason)
        server.join()
    print(version.name, *steps)
    return steps


print(ssl.OPENSSL_VERSION)
*done, reason = seen_by_client(ssl.TLSVersion.TLSv1_2)
assert done == [] and reason.endswith("ALERT_HANDSHAKE_FAILURE")
*done, reason = seen_by_client(ssl.TLSVersion.TLSv1_3)
assert done == ["handshake", "write"] and reason.endswith("ALERT_CERTIFICATE_REQUIRED")
PYTHON
