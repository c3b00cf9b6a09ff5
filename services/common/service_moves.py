"""How whoever watches services learns that there is something new: what the notification says.

Sent, in the transaction that does it, by whatever changes what a service is shown as: its settings, its checks, what
they are known to be in, their open incidents, its maintenance. The payload is the tenant's id.
"""

CHANNEL = "services_moved"
