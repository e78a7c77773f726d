"""Asks the gallery at argv[1] by clients from the registry, and prints a line for each: what, status, who."""

import base64
import pathlib
import sys
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import http_message_signatures as hms
import mohawk
import mohawk.bewit
import oauthlib.oauth1
import requests
from requests.auth import HTTPDigestAuth

site = sys.argv[1]
RSA = (pathlib.Path(__file__).parent / "test-key-rsa-pss.pem").read_text()


def said(what, response):
    who = response.json().get("caller", {}).get("name", "-") if response.status_code == 200 else "-"
    print(what, response.status_code, who, flush=True)


def digest():
    # Its SHA-512 is another hash than SHA-512-256.
    for path in ["/digest", "/digest/md5", "/digest/md5-sess", "/digest/sha-256"]:
        session = requests.Session()
        session.auth = HTTPDigestAuth("Mufasa", "Circle of Life")
        said(f"requests {path}", session.get(site + path))
        said(f"requests {path} again", session.get(site + path + "?a=b%20c&d"))
        said(f"requests {path} post", session.post(site + path, data=b"body"))
        wrong = requests.get(site + path, auth=HTTPDigestAuth("Mufasa", "circle of life"))
        said(f"requests {path} wrong", wrong)


def hawk():
    credentials = {"id": "dh37fgj492je", "key": "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn", "algorithm": "sha256"}
    for method, content, content_type in [("GET", "", ""), ("POST", "Thank you", "text/plain")]:
        url = site + "/hawk?b=1&a=2"
        sender = mohawk.Sender(credentials, url, method, content=content, content_type=content_type, ext="some data")
        headers = {"Authorization": sender.request_header}
        if content_type:
            headers["Content-Type"] = content_type
        response = requests.request(method, url, headers=headers, data=content or None)
        sender.accept_response(
            response.headers["Server-Authorization"], content=response.text, content_type="application/json",
            accept_untrusted_content=True,
        )
        said(f"mohawk {method}", response)
        said(f"mohawk {method} again", requests.request(method, url, headers=headers, data=content or None))
    skewed = mohawk.Sender(credentials, site + "/hawk", "GET", content="", content_type="", _timestamp=int(time.time()) - 3600)
    refused = requests.get(site + "/hawk", headers={"Authorization": skewed.request_header})
    try:
        skewed.accept_response(refused.headers["WWW-Authenticate"])
    except Exception:  # accept_response is for Server-Authorization alone
        pass
    print("mohawk skewed", refused.status_code, refused.headers["WWW-Authenticate"].split("=")[0], flush=True)
    bewit = mohawk.bewit.get_bewit(
        mohawk.base.Resource(url=site + "/hawk/bewit?a=b", method="GET", credentials=credentials, timestamp=int(time.time()) + 60, nonce="")
    )
    said("mohawk bewit", requests.get(site + f"/hawk/bewit?a=b&bewit={bewit}"))


def sigv4():
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    credentials = botocore.credentials.Credentials("AKIDEXAMPLE", secret)
    rows = [("GET", "/sigv4/a%20b?z=1&a=b%2Fc&a=a", b""), ("POST", "/sigv4", b"body"), ("PUT", "/sigv4//a/./b", b"x"), ("DELETE", "/sigv4", b"")]
    for method, target, body in rows:
        request = botocore.awsrequest.AWSRequest(method, site + target, data=body, headers={"X-Amz-Meta": "a   b"})
        botocore.auth.SigV4Auth(credentials, "service", "us-east-1").add_auth(request)
        prepared = requests.Request(method, "http://x", headers=dict(request.headers.items()), data=body).prepare()
        prepared.url = site + target
        said(f"botocore {method}", requests.Session().send(prepared))
    for method in ["GET", "DELETE"]:
        request = botocore.awsrequest.AWSRequest(method, site + "/sigv4/link?b=c&a=+d")
        botocore.auth.SigV4QueryAuth(credentials, "service", "us-east-1", expires=60).add_auth(request)
        prepared = requests.Request(method, "http://x").prepare()
        prepared.url = request.url
        said(f"botocore presigned {method}", requests.Session().send(prepared))


def oauth():
    rows = [
        ("emily", ("dpf43f3p2l4k3l03", "kd94hf93k423kf44", None, None)),
        ("emma", ("dpf43f3p2l4k3l03", "kd94hf93k423kf44", "nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")),
        ("bob", ("0685bd9184jfhq22", "s&cr=t%2F +ü", None, None)),
        ("jacob", ("0685bd9184jfhq22", "s&cr=t%2F +ü", "ad180jjd733klru7", "t/k+n&")),
    ]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for who, (consumer, secret, token, token_secret) in rows:
        for method in [oauthlib.oauth1.SIGNATURE_HMAC_SHA1, oauthlib.oauth1.SIGNATURE_HMAC_SHA256]:
            for place in [oauthlib.oauth1.SIGNATURE_TYPE_AUTH_HEADER, oauthlib.oauth1.SIGNATURE_TYPE_QUERY, oauthlib.oauth1.SIGNATURE_TYPE_BODY]:
                client = oauthlib.oauth1.Client(
                    consumer, secret, token, token_secret, signature_method=method, signature_type=place, realm="gallery",
                )
                url, headers, body = client.sign(site + "/oauth1/a?b=c+d", "POST", body="e=f+g&h=", headers=form)
                said(f"oauthlib {who} {method} {place}", requests.post(url, headers=headers, data=body))
    for method in [oauthlib.oauth1.SIGNATURE_RSA_SHA1, oauthlib.oauth1.SIGNATURE_RSA_SHA256]:
        client = oauthlib.oauth1.Client("test-key-rsa-pss", signature_method=method, rsa_key=RSA)
        url, headers, body = client.sign(site + "/oauth1?a=b", "GET")
        said(f"oauthlib {method}", requests.get(url, headers=headers))
    client = oauthlib.oauth1.Client("dpf43f3p2l4k3l03", "kd94hf93k423kf44")
    url, headers, body = client.sign(site + "/oauth1", "POST", body='{"a":1}', headers={"Content-Type": "application/json"})
    said("oauthlib json", requests.post(url, headers=headers, data=body))


def message_signatures():
    class Keys(hms.HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id):
            return self.resolve_private_key(key_id)

        def resolve_private_key(self, key_id):
            if key_id == "test-shared-secret":
                return base64.b64decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
            if key_id == "test-key-rsa-pss":
                return RSA.encode()
            if key_id == "test-key-ed25519":
                return b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----\n"
            return (
                b"-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49\n"
                b"AwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM\n4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n-----END EC PRIVATE KEY-----\n"
            )

    algorithms = [
        ("test-shared-secret", hms.algorithms.HMAC_SHA256),
        ("test-key-ed25519", hms.algorithms.ED25519),
        ("test-key-ecc-p256", hms.algorithms.ECDSA_P256_SHA256),
        ("test-key-rsa-pss", hms.algorithms.RSA_PSS_SHA512),
    ]
    for key, algorithm in algorithms:
        signer = hms.HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Keys())
        request = requests.Request("GET", site + "/message-signature?a=b%20c").prepare()
        request.headers["Host"] = site.removeprefix("http://")
        covered = ("@method", "@authority", "@path", "@query")
        signer.sign(request, key_id=key, covered_component_ids=covered, label="s", nonce=key, include_alg=True)
        said(f"http-message-signatures {key}", requests.Session().send(request))
        said(f"http-message-signatures {key} again", requests.Session().send(request))


digest()
hawk()
sigv4()
oauth()
message_signatures()
