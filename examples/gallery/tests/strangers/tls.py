"""Asks the gallery over TLS with a certificate, by Python's own client, and with tokens of PyJWT.

Reads {"port", "ca", "certificate", "key"} and prints what is answered.
"""

import base64
import hashlib
import http.client
import json
import socket
import ssl
import sys
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

told = json.load(sys.stdin)
context = ssl.create_default_context(cafile=told["ca"])
context.load_cert_chain(told["certificate"], told["key"])


def ask(path, headers):
    connection = http.client.HTTPSConnection("localhost", told["port"], context=context)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def bound_to(certificate):
    digest = hashlib.sha256(certificate).digest()
    thumbprint = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    claims = {"iss": "https://issuer.example", "aud": "gallery", "sub": "emily", "exp": int(time.time()) + 60}
    claims["cnf"] = {"x5t#S256": thumbprint}
    return thumbprint, jwt.encode(claims, "0123456789abcdef0123456789abcdef", algorithm="HS256")


with open(told["certificate"], "rb") as file:
    own = x509.load_pem_x509_certificate(file.read()).public_bytes(Encoding.DER)
thumbprint, token = bound_to(own)
_, other = bound_to(b"another")
status, document = ask("/certificate", {})
assert status == 200, (status, document)
assert document["caller"] == {"name": "emma", "scheme": "certificate", "thumbprint": thumbprint}, document
status, document = ask("/bound", {"Authorization": f"Bearer {token}"})
assert status == 200 and document["caller"]["name"] == "emily", (status, document)
status, document = ask("/bound", {"Authorization": f"Bearer {other}"})
assert status == 401, (status, document)

# A session that is resumed would bring the certificate of the first handshake along: none is.
for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context.minimum_version = context.maximum_version = version
    session = None
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", told["port"])) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
                tls.sendall(b"GET /certificate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                answer = b"".join(iter(lambda: tls.recv(4096), b""))
                assert answer.startswith(b"HTTP/1.1 200"), answer
                assert tls.version() == version.name.replace("_", ".") and not tls.session_reused, tls.version()
                session = tls.session
print("done")
