"""What Flask, Django and itsdangerous make, as JSON for the gallery; and whether they read what was made there.

Called with `1.1` under itsdangerous 1.1, which signs tokens that later versions do not.
"""

import json
import sys

made = []


def make(path, name, cookie=None, bearer=None):
    made.append({"path": path, "name": name, "cookie": cookie, "bearer": bearer})


if sys.argv[1] == "1.1":
    from itsdangerous import JSONWebSignatureSerializer, TimedJSONWebSignatureSerializer

    for algorithm in ("HS256", "HS512"):
        untimed = JSONWebSignatureSerializer("secret-key", algorithm_name=algorithm)
        make("/itsdangerous", "emily", bearer=untimed.dumps({"id": 5}).decode())
        timed = TimedJSONWebSignatureSerializer("secret-key", expires_in=600, algorithm_name=algorithm)
        make("/itsdangerous", "emma", bearer=timed.dumps({"id": 7}).decode())
        over = TimedJSONWebSignatureSerializer("secret-key", expires_in=-600, algorithm_name=algorithm)
        make("/itsdangerous", None, bearer=over.dumps({"id": 7}).decode())
        other = JSONWebSignatureSerializer("another-key", algorithm_name=algorithm)
        make("/itsdangerous", None, bearer=other.dumps({"id": 5}).decode())
    print(json.dumps(made))
    sys.exit()

import django
from django.conf import settings

settings.configure(SECRET_KEY="secret-key", INSTALLED_APPS=[], SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies")
django.setup()

from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest, HttpResponse, parse_cookie
from django.core import signing
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

app = Flask("app")
app.secret_key = "secret-key"
flask = SecureCookieSessionInterface().get_signing_serializer(app)
make("/flask", "emma", "session=" + flask.dumps({"user_id": 7}))
make("/flask", "jacob", "session=" + flask.dumps({"user_id": 50, "note": "a" * 5000, "_permanent": True}))
make("/flask", None, "session=" + flask.dumps({"user_id": 7, "bomb": "a" * 200000}))
make("/flask", None, "session=" + flask.dumps({"user_id": 1}))
app.secret_key = "another-key"
make("/flask", None, "session=" + SecureCookieSessionInterface().get_signing_serializer(app).dumps({"user_id": 7}))

for number, name in ((7, "emma"), (52, "Jäsøn Doe"), (1, None)):
    store = SessionStore()
    store["user_id"] = number
    store["note"] = "b" * 1000
    store.save()
    make("/django", name, "sessionid=" + store.session_key)


def set_cookie(key, value, salt=""):
    response = HttpResponse()
    response.set_signed_cookie(key, value, salt=salt)
    return response.cookies[key].OutputString().split("; ")[0]


make("/django/cookie", "emma", set_cookie("sid", "emma"))
make("/django/cookie", "Jäsøn Doe", set_cookie("sid", "Jäsøn Doe"))
make("/django/cookie", None, "sid=" + set_cookie("other", "emma").removeprefix("other="))
make("/django/cookie", None, set_cookie("sid", "emma", salt="s"))
# A session is no cookie, and the reverse.
make("/django/cookie", None, "sid=" + store.session_key)
make("/django", None, "sessionid=" + signing.dumps({"user_id": 7}))

ours = json.load(sys.stdin)
app.secret_key = "secret-key"
assert SecureCookieSessionInterface().get_signing_serializer(app).loads(ours["flask"], max_age=60) == {"user_id": 7}
assert SessionStore(ours["django"]).load() == {"user_id": 7}
request = HttpRequest()
request.COOKIES = parse_cookie("sid=" + ours["django_cookie"])
assert request.get_signed_cookie("sid", max_age=60) == "emma"
print(json.dumps(made))
