"""Prints hashes of Django, Werkzeug and passlib, one JSON object a line."""

import json

import argon2
import bcrypt
import django
import passlib.hash
import werkzeug.security
from django.conf import settings
from importlib.metadata import version

settings.configure(PASSWORD_HASHERS=[])
django.setup()
from django.contrib.auth import hashers  # noqa: E402

EMMA, LONG = "pässwörd-emma", "a passphrase that is longer than the block of a hash, and than what bcrypt reads of it"


def show(by, password, hash):
    print(json.dumps({"by": by, "password": password, "hash": hash}))


class Quick(hashers.BCryptSHA256PasswordHasher):
    rounds = 5


class QuickPlain(hashers.BCryptPasswordHasher):
    rounds = 5


name = f"Django {version('Django')}"
for hasher, options in [
    (hashers.PBKDF2PasswordHasher(), {"iterations": 1000}),
    (hashers.PBKDF2SHA1PasswordHasher(), {"iterations": 1000}),
    (hashers.ScryptPasswordHasher(), {}),
    (hashers.Argon2PasswordHasher(), {}),
    (Quick(), {}),
    (QuickPlain(), {}),
]:
    for password in [EMMA] if isinstance(hasher, QuickPlain) else [EMMA, LONG]:
        show(f"{name}, {hasher.algorithm}", password, hasher.encode(password, hasher.salt(), **options))
name = f"Werkzeug {version('Werkzeug')}"
for method in ["scrypt", "scrypt:1024:4:2", "pbkdf2:sha256:1000", "pbkdf2:sha1:1000", "pbkdf2:sha512:1000"]:
    for password in [EMMA, LONG]:
        show(f"{name}, {method}", password, werkzeug.security.generate_password_hash(password, method))

name = f"passlib {version('passlib')}"
for hasher in [
    passlib.hash.pbkdf2_sha1.using(rounds=1000),
    passlib.hash.pbkdf2_sha256.using(rounds=1000),
    passlib.hash.pbkdf2_sha512.using(rounds=1000),
    passlib.hash.scrypt.using(rounds=10),
    passlib.hash.argon2.using(memory_cost=256, time_cost=1),
    passlib.hash.ldap_salted_sha1,
    passlib.hash.ldap_salted_sha256,
    passlib.hash.ldap_salted_sha512,
    passlib.hash.ldap_pbkdf2_sha1.using(rounds=1000),
    passlib.hash.ldap_pbkdf2_sha256.using(rounds=1000),
    passlib.hash.ldap_pbkdf2_sha512.using(rounds=1000),
]:
    for password in [EMMA, LONG]:
        show(f"{name}, {hasher.name}", password, hasher.hash(password))

show(f"bcrypt {bcrypt.__version__}", EMMA, bcrypt.hashpw(EMMA.encode(), bcrypt.gensalt(5)).decode())
show(f"bcrypt {bcrypt.__version__}, 2a", EMMA, bcrypt.hashpw(EMMA.encode(), bcrypt.gensalt(5, b"2a")).decode())
show(f"argon2-cffi {version('argon2-cffi')}", EMMA, argon2.PasswordHasher().hash(EMMA))
