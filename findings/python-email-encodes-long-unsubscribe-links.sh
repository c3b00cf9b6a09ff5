#!/bin/sh
# CPython 3.11 to 3.13 (package email, policy SMTP): a structured header with one token longer than a line, such as
# List-Unsubscribe (RFC 2369, RFC 8058) with a signed link, or In-Reply-To and References with a long message id, is written
# as encoded words. Encoded words are not permitted there (RFC 2047 §5): a mail program that follows the standard reads no
# URL and no message id, so one-click unsubscribing and threads are lost. A short link is written as it is, so that tests
# with a short link pass. Message-ID itself is exempt.
#
# What helps: write such headers without folding, by a policy with max_line_length of at least their length (998 octets are
# permitted, RFC 5322 §2.1.1).
#
# Seen: List-Unsubscribe: =?utf-8?q?=3Chttps=3A//…   Fails if that changes.
set -eu
python3 - <<'PYTHON'
import email.policy
import sys
from email.message import EmailMessage

link = "<https://status.acme.test/unsubscribe?token=" + "0123456789" * 8 + ">"
identity = "<" + "0123456789" * 8 + "@acme.test>"


def written(name, value, **options):
    message = EmailMessage(policy=email.policy.SMTP.clone(**options))
    message[name] = value
    return message.as_bytes().decode().split("\r\n\r\n")[0]


print("Python", sys.version.split()[0])
for name, value in (("List-Unsubscribe", link), ("In-Reply-To", identity), ("References", identity)):
    print(written(name, value).splitlines()[0])
    assert written(name, value).startswith(f"{name}: =?utf-8?q?=3C"), "written as it is now"
    assert written(name, value, max_line_length=998) == f"{name}: {value}"
assert written("List-Unsubscribe", "<https://status.acme.test/u>") == "List-Unsubscribe: <https://status.acme.test/u>"
assert "=?" not in written("Message-ID", identity)
PYTHON
