# Verifies our tokens with PyJWT, and signs one with each algorithm, under fresh keys.
import base64, json, sys
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

ours = json.load(sys.stdin)
secret = base64.urlsafe_b64decode(ours["secret"] + "==")
checks = dict(issuer="https://issuer.example", audience="people", options={"require": ["exp", "iss", "aud"]})

for made in ours["tokens"]:
    if made["alg"].startswith("HS"):
        key = secret
    else:
        keys = jwt.PyJWKSet.from_dict(made["jwks"])
        kid = jwt.get_unverified_header(made["token"])["kid"]
        key = keys[kid].key
    claims = jwt.decode(made["token"], key, algorithms=[made["alg"]], **checks)
    assert claims["sub"] == "emily" and claims["jti"] == "ä\"\\", claims
    try:
        jwt.decode(made["token"][:-8] + "AAAAAAAA", key, algorithms=[made["alg"]], **checks)
    except jwt.InvalidSignatureError:
        pass
    else:
        raise SystemExit("a forged token passes")

rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
theirs = []
for made in ours["tokens"]:
    name = made["alg"]
    claims = {"iss": "https://issuer.example", "aud": ["other", "people"], "sub": "emily", "exp": ours["exp"], "nbf": 0}
    if name.startswith("HS"):
        jwk = {"kty": "oct", "alg": name, "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode()}
        theirs.append({"alg": name, "token": jwt.encode(claims, secret, algorithm=name), "jwk": jwk})
        continue
    if name == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
    elif name.startswith("ES"):
        key = ec.generate_private_key(ec.SECP256R1() if name == "ES256" else ec.SECP384R1())
    else:
        key = rsa_key
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
    theirs.append({"alg": name, "token": jwt.encode(claims, key, algorithm=name, headers={"kid": "k"}), "pem": pem})
json.dump(theirs, sys.stdout)
