# Signs tokens with PyJWT. Asked in JSON on the standard input: {"sign": [{key, header, claims}, …]}.
import json, sys
import jwt

signed = []
for asked in json.load(sys.stdin)["sign"]:
    header = dict(asked["header"])
    key = jwt.PyJWK(asked["key"]).key
    # It writes "typ" by itself, unless it is told that there is none.
    header.setdefault("typ", None)
    signed.append(jwt.encode(asked["claims"], key, algorithm=header.pop("alg"), headers=header))
json.dump(signed, sys.stdout)
