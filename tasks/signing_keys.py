"""Ed25519 keys: made, kept in a file that its owner alone can read, used to sign and to verify.

Only commands and runs that meet a signature import this: `cryptography` takes a tenth of a second.
"""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from signals.errors import ConfigurationError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def make_key(path: Path) -> bytes:
    """Write a new private key to a file that is not there yet; returns its public key.

    Raises
    ------
    ConfigurationError
        When the file exists, or cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    try:
        # The mode is that of the file from its first instant on.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    except FileExistsError:
        raise ConfigurationError(
            f"file {path}", expected="none yet", got="one that exists", do="Name another with --out."
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"file {path}", expected="one that can be written", got=str(error.strerror), do="Name another with --out."
        ) from error
    with os.fdopen(handle, "wb") as stream:
        stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public_bytes(key)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file.

    Raises
    ------
    ConfigurationError
        When it cannot be read, holds something else, or others may read it. Nothing of it is shown.
    """
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            pem = stream.read()
    except OSError as error:
        raise ConfigurationError(
            f"key file {path}", expected="a file that can be read", got=str(error.strerror), do="Check --key."
        ) from error
    if mode & _OTHERS:
        raise ConfigurationError(
            f"key file {path}",
            expected="permissions 600: nobody else may read it",
            got=f"{mode:o}",
            do=f"`chmod 600 {path}`; if others had access to this machine, make a new key.",
        )
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The cause is left out: it may quote the file.
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigurationError(
            f"key file {path}",
            expected="a private ed25519 key, PEM, not encrypted",
            got="something else",
            do="`tailguard rules keygen --out FILE` makes one.",
        )
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The public key of a private one, 32 bytes."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def shown_key(public: bytes) -> str:
    """A public key as it is configured."""
    return base64.b64encode(public).decode()


def is_signed(public: bytes, signature: bytes, words: bytes) -> bool:
    """Whether the owner of a public key signed these words."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, words)
    except (InvalidSignature, ValueError):
        return False
    return True
