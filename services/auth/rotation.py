"""Changing the signing key without a failed call: publish the new one, then sign with it, then withdraw the old one."""

from typing import TYPE_CHECKING

from services.auth.sessions import ACCESS_LIFE_US
from services.auth.signing import SETTLE_US, Keyring, SigningKey
from services.platform.clock import MINUTE_US, now_us

if TYPE_CHECKING:
    from services.auth.store.installation import InstallationSql


async def rotate(keyring: Keyring, store: "InstallationSql", *, revoke: bool) -> SigningKey:
    """Make a further signing key, and retire those before it.

    Args:
        keyring: the data folder's keys.
        store: where public keys are published.
        revoke: withdraw the keys before at once, since somebody else may have them: every access token that they signed
            stops working, and clients have to refresh.

    Returns:
        The new key.
    """
    now = now_us()
    key = keyring.add(now)
    await store.publish_key(key, now)
    for former in keyring.former:
        await store.retire_key(former.kid, now if revoke else now + SETTLE_US + ACCESS_LIFE_US + MINUTE_US)
        if revoke:
            keyring.drop(former)
    if revoke:
        # Auth reads the folder when it is told something: what it read before the files were gone still signs.
        await store.publish_key(key, now)
    return key
