"""Rotation of the signing key without a failed call: publish the new key, sign with it, then withdraw the old one."""

from typing import TYPE_CHECKING

from services.auth.sessions import ACCESS_LIFE_US
from services.auth.signing import SETTLE_US, Keyring, SigningKey
from services.platform.clock import MINUTE_US, now_us

if TYPE_CHECKING:
    from services.auth.store.installation import InstallationSql


async def rotate(keyring: Keyring, store: "InstallationSql", *, revoke: bool) -> SigningKey:
    """Create a further signing key, and retire the earlier ones.

    Args:
        keyring: the keys of the data folder.
        store: the published public keys.
        revoke: withdraw the earlier keys at once, because they may be compromised: access tokens that they signed
            become invalid, and clients have to refresh.

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
        # A notification makes auth reload the folder; without this one it would still sign with the removed files'
        # keys.
        await store.publish_key(key, now)
    return key
