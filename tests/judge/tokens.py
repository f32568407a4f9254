#!/usr/bin/env python3
"""Access tokens made by PyJWT and joserfc, not by us, shown to GET /v1/me of a real `airlock serve`: good ones of every algorithm pass, attacks don't.

    tokens.py [--airlock PATH] [--allow-not-run]

Each attack is answered 401 with the same words whatever was wrong with it; 403 where the caller is known and has no role. Beside each kind stands the
nearest token that passes. What PyJWT or joserfc would not make is put together from parts that they made.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import uuid
import warnings

sys.dont_write_bytecode = True

import airlock  # noqa: E402
import command  # noqa: E402

try:
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from joserfc import jwe, jws
    from joserfc import jwt as jose
    from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

    import assertions
    import served
    warnings.filterwarnings("ignore", message=".*deprecated via RFC 9864")
    MISSING = None
except ImportError as error:
    MISSING = str(error)

ALGORITHMS = ["EdDSA", "ES256", "ES384", "RS256", "PS256"]
# Keys that changed in a file are taken within a second or so; what takes longer than this hangs.
TAKEN_IN_S_MAX = 30
# What was taken back is gone sooner, on a machine where processes stand still for seconds.
GONE_IN_S_MAX = 12


class Keys:
    """An issuer's keys, one for each algorithm, as both libraries have them."""

    def __init__(self, name):
        self.name = name
        self.private = {
            "EdDSA": ed25519.Ed25519PrivateKey.generate(), "ES256": ec.generate_private_key(ec.SECP256R1()), "ES384": ec.generate_private_key(ec.SECP384R1()),
            "RS256": rsa.generate_private_key(65537, 2048), "PS256": rsa.generate_private_key(65537, 2048)}
        self.extra = []

    def kid(self, algorithm):
        """A key's name."""
        return f"{self.name}-{algorithm.lower()}"

    def jose(self, algorithm, private=True):
        """The key as joserfc has it."""
        key = self.private[algorithm]
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        kind = {"E": ECKey, "R": RSAKey, "P": RSAKey}[algorithm[0]] if algorithm != "EdDSA" else OKPKey
        made = kind.import_key(pem)
        return made if private else kind.import_key(made.as_dict(private=False))

    def entry(self, algorithm):
        """The public key's entry in the set."""
        return self.jose(algorithm).as_dict(private=False) | {"kid": self.kid(algorithm), "use": "sig", "alg": algorithm}

    def jwks(self):
        """The set."""
        return {"keys": [self.entry(algorithm) for algorithm in self.private] + self.extra}


class Maker(served.Issuer if MISSING is None else object):
    """An issuer of the gateway with such keys."""

    def __init__(self, name, tenants, operators=False):
        super().__init__(name, tenants, operators)
        self.keys = Keys(name)

    def jwks(self):
        """The set of its public keys."""
        return self.keys.jwks()

    def claims(self, **more):
        """Good claims; a member that is `None` is left out."""
        now = int(time.time())
        claims = {"iss": self.name, "aud": served.AUDIENCE, "sub": "somebody", "jti": str(uuid.uuid4()), "iat": now - 5, "exp": now + 295,
                  "org": f"org-{self.tenants[0]}" if self.tenants else None, "roles": ["analyst"]} | more
        return {name: value for name, value in claims.items() if value is not None}

    def pyjwt(self, claims=None, header=None, algorithm="EdDSA", key=None, called=None):
        """A token by PyJWT."""
        head = {"typ": "at+jwt", "kid": self.keys.kid(called or algorithm)} | (header or {})
        return jwt.encode(claims or self.claims(), key or self.keys.private[algorithm], algorithm=algorithm, headers=head)

    def joserfc(self, claims=None, header=None, algorithm="EdDSA", key=None):
        """A token by joserfc."""
        head = {"alg": algorithm, "typ": "at+jwt", "kid": self.keys.kid(algorithm)} | (header or {})
        registry = jws.JWSRegistry(algorithms=[*ALGORITHMS, "HS256", "HS512", "ES512", "RS384", "RS512", "PS384", "PS512", "none"], strict_check_header=False)
        return jose.encode(head, claims or self.claims(), key or self.keys.jose(algorithm), registry=registry)


def part(value):
    """A part of a token from JSON, a text or bytes."""
    raw = value if isinstance(value, bytes) else value.encode() if isinstance(value, str) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw_token(maker, header, claims, algorithm="EdDSA"):
    """A token whose parts are exactly these texts, signed by the key all the same."""
    signed = f"{part(header)}.{part(claims)}".encode()
    made = jwt.get_algorithm_by_name(algorithm)
    return f"{signed.decode()}.{part(made.sign(signed, maker.keys.private[algorithm]))}"


def good(alfa, bravo):
    """What passes: (what, token)."""
    now = lambda: int(time.time())  # noqa: E731 - each is made when it is shown
    for algorithm in ALGORITHMS:
        yield f"{algorithm} by PyJWT", alfa.pyjwt(algorithm=algorithm)
        yield f"{algorithm} by joserfc", alfa.joserfc(algorithm=algorithm)
    yield "the longer type", alfa.pyjwt(header={"typ": "application/at+jwt"})
    yield "several audiences", alfa.pyjwt(alfa.claims(aud=["payments", served.AUDIENCE]))
    yield "fifteen minutes", alfa.pyjwt(alfa.claims(iat=(at := now()), exp=at + 900))
    yield "over for 50 seconds", alfa.pyjwt(alfa.claims(iat=(at := now()) - 400, exp=at - 50))
    yield "made in 50 seconds", alfa.pyjwt(alfa.claims(iat=(at := now()) + 50, exp=at + 300))
    yield "nbf in 50 seconds", alfa.pyjwt(alfa.claims(nbf=now() + 50))
    yield "roles of others beside ours", alfa.pyjwt(alfa.claims(roles=["admin", "analyst"]))
    yield "claims and header members that say nothing here", alfa.pyjwt(alfa.claims(scope="x", act={"sub": "y"}), header={"x5t": "abc"})
    yield "the other tenant's own", bravo.joserfc(algorithm="ES384")
    yield "bytes as they are", raw_token(alfa, alfa_header(alfa), json.dumps(alfa.claims()))
    yield "a thumbprint beside kid", alfa.joserfc(header={"x5t#S256": "abc"})


def alfa_header(maker, algorithm="EdDSA"):
    """A good header's text."""
    return json.dumps({"alg": algorithm, "typ": "at+jwt", "kid": maker.keys.kid(algorithm)})


def pem(key):
    """A public key as attackers take it for a secret."""
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def keyed(header, claims, secret):
    """HS256 by hand: libraries refuse to take a public key for a secret."""
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def algorithms(alfa, bravo):
    """Attacks on `alg`: the signature is none, another one's or another kind's."""
    claims, kid = alfa.claims(), alfa.keys.kid
    yield "none by PyJWT", jwt.encode(claims, None, algorithm="none", headers={"typ": "at+jwt", "kid": kid("EdDSA")})
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield f"alg {name!r} with the good signature", raw_token(alfa, {"alg": name, "typ": "at+jwt", "kid": kid("EdDSA")}, claims)
    for algorithm in ("EdDSA", "ES256", "RS256"):
        head = {"alg": "HS256", "typ": "at+jwt", "kid": kid(algorithm)}
        yield f"HS256 under the PEM of {algorithm}", keyed(head, claims, pem(alfa.keys.private[algorithm]))
        yield f"HS256 under the entry of {algorithm}", keyed(head, claims, json.dumps(alfa.keys.entry(algorithm)).encode())
    yield "HS256 under the bytes of Ed25519", keyed({"alg": "HS256", "typ": "at+jwt", "kid": kid("EdDSA")}, claims, alfa.keys.private["EdDSA"].public_key().public_bytes_raw())
    yield "HS256 by PyJWT under a secret", jwt.encode(claims, "s" * 64, algorithm="HS256", headers={"typ": "at+jwt", "kid": kid("EdDSA")})
    yield "HS512 by joserfc under a secret", alfa.joserfc(algorithm="HS512", header={"kid": kid("EdDSA")}, key=OctKey.import_key("s" * 64))
    for real, name in (("RS256", "PS256"), ("PS256", "RS256"), ("ES256", "ES384"), ("EdDSA", "ES256"), ("RS256", "EdDSA"), ("ES384", "RS256")):
        yield f"{real}'s key, called {name}", raw_token(alfa, {"alg": name, "typ": "at+jwt", "kid": kid(real)}, claims, real)
    yield "PS256 by the key of RS256", alfa.pyjwt(claims, {"kid": kid("RS256")}, "PS256", alfa.keys.private["RS256"])
    yield "RS512 by the key of RS256", alfa.pyjwt(claims, {"kid": kid("RS256")}, "RS512", alfa.keys.private["RS256"])
    yield "ES512, which is not taken", alfa.pyjwt(claims, {"kid": kid("ES256")}, "ES512", ec.generate_private_key(ec.SECP521R1()))
    yield "ES256K, which is not taken", alfa.pyjwt(claims, {"kid": kid("ES256")}, "ES256K", ec.generate_private_key(ec.SECP256K1()))
    yield "signed by nobody's key", alfa.pyjwt(claims, key=ed25519.Ed25519PrivateKey.generate())
    yield "signed by the other tenant's key", alfa.pyjwt(claims, key=bravo.keys.private["EdDSA"])
    yield "signed by another key of its own", alfa.pyjwt(claims, {"kid": kid("RS256")}, "RS256", alfa.keys.private["PS256"])
    other = alfa.pyjwt(alfa.claims(sub="somebody else")).split(".")
    mine = alfa.pyjwt(claims).split(".")
    yield "claims of another token", ".".join([mine[0], other[1], mine[2]])
    yield "an ES256 signature as DER", ".".join([*es_parts(alfa)[:2], part(der(es_parts(alfa)[2]))])


def es_parts(alfa):
    """A token of ES256 in its parts."""
    return alfa.pyjwt(algorithm="ES256").split(".")


def der(signature):
    """The same signature as ASN.1 has it."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    raw = base64.urlsafe_b64decode(signature + "==")
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


def claims_attacks(alfa, bravo, operator):
    """Attacks by what is claimed, all properly signed."""
    now, claim = int(time.time()), lambda **more: alfa.pyjwt(alfa.claims(**more))
    for what, value in (("nobody", None), ("somebody else", "payments"), ("a list without us", ["payments", "x"]), ("an empty list", []), ("a list in a list", [[served.AUDIENCE]]),
                        ("everybody", "*"), ("a slash more", served.AUDIENCE + "/"), ("other letters", served.AUDIENCE.upper()), ("an object", {served.AUDIENCE: 1})):
        yield f"for {what}", joined(alfa, alfa.claims(aud=value))
    for what, value in (("left out", None), ("with a slash more", alfa.name + "/"), ("in other letters", alfa.name.upper()), ("without scheme", alfa.name[8:]), ("as a list", [alfa.name]),
                        ("of the other tenant", bravo.name), ("of the operator", operator.name), ("of nobody", "https://id.evil.example"), ("of the development issuer", "urn:airlock:development-issuer")):
        yield f"iss {what}", joined(alfa, alfa.claims(iss=value))
    for what, more in (("no exp", {"exp": None}), ("over for 61 s and more", {"iat": now - 600, "exp": now - 65}), ("over for an hour", {"iat": now - 4000, "exp": now - 3600}),
                       ("exp as text", {"exp": str(now + 300)}), ("exp with a fraction", {"exp": now + 300.5}), ("exp in milliseconds", {"exp": (now + 300) * 1000}), ("exp below nothing", {"exp": -1}),
                       ("no iat", {"iat": None}), ("made in two minutes", {"iat": now + 120, "exp": now + 300}), ("iat as text", {"iat": str(now)}), ("good in two minutes", {"nbf": now + 120}),
                       ("nbf as text", {"nbf": str(now)}), ("nbf that is nothing", {"nbf": False}), ("good for sixteen minutes", {"iat": now, "exp": now + 960}), ("good for a year", {"exp": now + 31536000}),
                       ("over when it was made", {"iat": now, "exp": now}), ("no sub", {"sub": None}), ("sub as a number", {"sub": 7}), ("an empty sub", {"sub": ""}), ("sub with a line's end", {"sub": "a\nb"}),
                       ("no jti", {"jti": None}), ("jti as a list", {"jti": ["a"]})):
        yield what, joined(alfa, alfa.claims(**more))
    for what, value in (("left out", None), ("of the other tenant", "org-bravo"), ("by the member's name", "alfa"), ("of nobody", "org-nobody"), ("as a list", ["org-alfa"]),
                        ("with a space", "org-alfa "), ("with a zero", "org-alfa\0"), ("in other letters", "ORG-ALFA")):
        yield f"organisation {what}", joined(alfa, alfa.claims(org=value))
    yield "organisation of this tenant, by the other's issuer", bravo.pyjwt(bravo.claims(org="org-alfa"))
    yield "organisation of a tenant, by the operator's issuer", operator.pyjwt(operator.claims(org="org-alfa"))
    for what, value in (("left out", None), ("as a text", "analyst"), ("as an object", {"analyst": True}), ("with a number in it", ["analyst", 1])):
        yield f"roles {what}", joined(alfa, alfa.claims(roles=value))
    yield "an operator by a tenant's issuer", joined(alfa, alfa.claims(org=None, roles=["operator"]))
    yield "an operator with an organisation", joined(alfa, alfa.claims(roles=["operator"]))
    yield "an operator and an analyst", operator.pyjwt(operator.claims(roles=["operator", "analyst"]))
    yield "a tenant's analyst and an operator", claim(roles=["analyst", "operator"])


def joined(maker, claims):
    """Signed by joserfc's JWS: neither library keeps its claims' types from being wrong there."""
    return jws.serialize_compact({"alg": "EdDSA", "typ": "at+jwt", "kid": maker.keys.kid("EdDSA")}, json.dumps(claims), maker.keys.jose("EdDSA"), algorithms=["EdDSA"])


def headers_attacks(alfa, bravo):
    """Attacks by what the header says."""
    kid, stranger = alfa.keys.kid("EdDSA"), ed25519.Ed25519PrivateKey.generate()
    own = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(stranger.public_key()))
    yield "its own key with it", alfa.pyjwt(header={"jwk": own}, key=stranger)
    yield "its own key with it, properly signed", alfa.pyjwt(header={"jwk": own})
    for name, value in (("jku", "https://id.evil.example/keys"), ("x5u", "https://id.evil.example/cert"), ("x5c", ["AAAA"]), ("zip", "DEF"), ("enc", "A256GCM")):
        yield f"{name} in it", alfa.joserfc(header={name: value}) if name not in ("zip", "enc") else raw_token(alfa, json.loads(alfa_header(alfa)) | {name: value}, alfa.claims())
    for value in ([], ["b64"], ["exp"], "exp"):
        yield f"crit {value}", raw_token(alfa, json.loads(alfa_header(alfa)) | {"crit": value, "exp": 1}, alfa.claims())
    yield "b64 false, its claims as they are", unencoded(alfa)
    yield "b64 true without crit", raw_token(alfa, json.loads(alfa_header(alfa)) | {"b64": True}, alfa.claims())
    for what, value in (("of nobody", "nobody"), ("of the other tenant", bravo.keys.kid("EdDSA")), ("as a path", "../../../../dev/null"), ("as SQL", "x' OR '1'='1"), ("in other letters", kid.upper()),
                        ("with a space", kid + " "), ("with a line's end", kid + "\n"), ("with a zero", kid + "\0"), ("empty", ""), ("as a number", 1), ("as a list", [kid]), ("as an address", "https://id.evil.example/key")):
        yield f"kid {what}", raw_token(alfa, json.loads(alfa_header(alfa)) | {"kid": value}, alfa.claims())
    yield "without kid", raw_token(alfa, {"alg": "EdDSA", "typ": "at+jwt"}, alfa.claims())
    for value in ("JWT", "jwt", "AT+JWT", "logout+jwt", "dpop+jwt", "id+jwt", None, ["at+jwt"]):
        yield f"typ {value!r}", raw_token(alfa, json.loads(alfa_header(alfa)) | {"typ": value}, alfa.claims())
    yield "a key of the set for encryption", alfa.pyjwt(header={"kid": "alfa-enc"}, key=ENCRYPTS)
    yield "a secret of the set", keyed({"alg": "HS256", "typ": "at+jwt", "kid": "alfa-oct"}, alfa.claims(), b"s" * 32)


def unencoded(alfa):
    """RFC 7797: the payload is not encoded; attached, with the good key."""
    header = part(json.loads(alfa_header(alfa)) | {"b64": False, "crit": ["b64"]})
    claims = json.dumps(alfa.claims(), separators=(",", ":"))
    signature = alfa.keys.private["EdDSA"].sign(f"{header}.{claims}".encode())
    return f"{header}.{claims}.{part(signature)}"


def forms(alfa):
    """Attacks by how it is written."""
    token = alfa.pyjwt()
    head, body, signature = token.split(".")
    claims = json.dumps(alfa.claims())
    again = lambda name, value: claims[:-1] + f', {json.dumps(name)}: {json.dumps(value)}}}'  # noqa: E731
    for name, value in (("org", "org-bravo"), ("exp", int(time.time()) + 800), ("roles", ["auditor"]), ("iss", alfa.name)):
        yield f"{name} twice", raw_token(alfa, alfa_header(alfa), again(name, value))
    yield "alg twice", raw_token(alfa, alfa_header(alfa)[:-1] + ', "alg": "none"}', claims)
    yield "a name twice, once escaped", raw_token(alfa, alfa_header(alfa), claims[:-1] + ', "\\u006frg": "org-bravo"}')
    yield "a token in a token", jws.serialize_compact({"alg": "EdDSA", "typ": "at+jwt", "cty": "JWT", "kid": alfa.keys.kid("EdDSA")}, token, alfa.keys.jose("EdDSA"), algorithms=["EdDSA"])
    yield "an encrypted token", jose.encode({"alg": "dir", "enc": "A256GCM", "kid": "alfa-oct", "typ": "at+jwt"}, alfa.claims(), OctKey.import_key("s" * 32), registry=jwe.JWERegistry(strict_check_header=False))
    yield "a signed token, encrypted for the public key", jwe.encrypt_compact({"alg": "RSA-OAEP", "enc": "A128GCM", "cty": "JWT"}, token, alfa.keys.jose("RS256", private=False))
    yield "the JSON form", json.dumps({"protected": head, "payload": body, "signature": signature})
    yield "detached", f"{head}..{signature}"
    yield "without signature", f"{head}.{body}."
    yield "two parts", f"{head}.{body}"
    yield "four parts", f"{token}.x"
    for n, what in enumerate(("header", "claims", "signature")):
        parts = token.split(".")
        parts[n] += "=" * (-len(parts[n]) % 4 or 4)
        yield f"padded: {what}", ".".join(parts)
    yield "spare bits set", f"{head}.{body}.{spare(signature)}"
    yield "the other alphabet", raw_token(alfa, alfa_header(alfa), json.dumps(alfa.claims(x="??>>??>>"))).replace("-", "+").replace("_", "/")
    yield "a space before it", f" {token}"
    yield "a tab within", f"{head}\t.{body}.{signature}"
    yield "a percent sign", token.replace(".", "%2E")
    yield "claims that are a list", raw_token(alfa, alfa_header(alfa), "[]")
    yield "claims after their end", raw_token(alfa, alfa_header(alfa), claims + "{}")
    yield "a byte order mark", raw_token(alfa, alfa_header(alfa), "\ufeff" + claims)
    yield "no UTF-8", raw_token(alfa, alfa_header(alfa), claims[:-1].encode() + b', "x": "\xff"}')
    yield "a header that is no JSON", raw_token(alfa, "alg=EdDSA", claims)
    yield "deep", raw_token(alfa, alfa_header(alfa), claims[:-1] + ', "x": ' + "[" * 40 + "]" * 40 + "}")
    yield "ten kilobytes", raw_token(alfa, alfa_header(alfa), json.dumps(alfa.claims(x="y" * 8000)))


def spare(text):
    """The same bytes in base64url, the last letter's unused bits set; Ed25519 leaves four of them."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + letters[letters.index(text[-1]) | 1]


class Judged:
    """What was shown, and what was wrong with the answers."""

    def __init__(self, gateway):
        self.gateway, self.wrong, self.words, self.count = gateway, [], {}, 0

    def shown(self, token, path="/v1/me"):
        """The answer to a token, and what it says without the request's name."""
        told = self.gateway.ask("GET", path, token)
        said = json.loads(told.body)
        said.pop("request_id", None)
        return told, json.dumps(said, sort_keys=True)

    def passes(self, what, token, member):
        """It is taken, and is that member's."""
        told, _ = self.shown(token)
        self.count += 1
        if told.status != 200 or told.json().get("member") != member:
            self.wrong.append(f"{what}: should pass as {member}, not {told}")

    def comes_to(self, token, status):
        """Waits until a token is answered with a status, since a file is looked at now and then; what it is in the end is judged after."""
        end = time.monotonic() + TAKEN_IN_S_MAX
        while self.shown(token)[0].status != status and time.monotonic() < end:
            time.sleep(0.2)

    def refused(self, what, token, status=401):
        """It is refused in the words that all are refused in."""
        try:
            told, words = self.shown(token)
        except (ValueError, OSError) as error:
            self.wrong.append(f"{what}: {error}")
            return
        self.count += 1
        headers = sorted((name.lower(), value) for name, value in told.headers if name.lower() not in ("date", "airlock-request-id"))
        first = self.words.setdefault(status, (what, words, headers))
        if told.status != status:
            self.wrong.append(f"{what}: should be {status}, not {told}")
        elif (words, headers) != first[1:]:
            self.wrong.append(f"{what}: is answered otherwise than {first[0]}: {words} {headers}")


def rotation(judged, gateway, alfa):
    """A key that left the file is taken no more, a token that was seen before included; the new one is; a file that can't be read changes nothing."""
    file, before, known = gateway.home / alfa.file, alfa.keys, alfa.pyjwt()
    judged.passes("before the keys change", known, "alfa")
    alfa.keys = Keys("alfa")
    fresh = alfa.pyjwt()
    judged.refused("a key that is not in the file yet", fresh)
    file.write_text(json.dumps(alfa.jwks()), encoding="utf-8")
    gone = time.monotonic()
    judged.comes_to(known, 401)
    if time.monotonic() - gone > GONE_IN_S_MAX:
        judged.wrong.append(f"a token was taken for {time.monotonic() - gone:.1f} s after its key was gone")
    judged.refused("a token known before, its key gone", known)
    judged.refused("another one of the key that is gone", alfa.pyjwt(key=before.private["EdDSA"]))
    judged.passes("the new key", fresh, "alfa")
    alfa.keys.extra = [before.entry("EdDSA") | {"kid": "alfa-before"}]
    file.write_text(json.dumps(alfa.jwks()), encoding="utf-8")
    renamed = alfa.pyjwt(header={"kid": "alfa-before"}, key=before.private["EdDSA"])
    judged.comes_to(renamed, 200)
    judged.passes("both, the old key under another name", renamed, "alfa")
    file.write_text("{", encoding="utf-8")
    time.sleep(1.2)
    judged.passes("the file can't be read: the last good keys", fresh, "alfa")
    file.write_text(json.dumps({"keys": []}), encoding="utf-8")
    judged.comes_to(fresh, 401)
    judged.refused("no key is left", fresh)


def judge(arguments, folder):
    """All of it; 0 when nothing is wrong."""
    alfa, bravo, operator = Maker("alfa", ["alfa"]), Maker("bravo", ["bravo"]), Maker("operator", [], operators=True)
    secret = {"kty": "OKP", "crv": "Ed25519", "kid": "alfa-enc", "use": "enc", "x": served.b64(ENCRYPTS.public_key().public_bytes_raw())}
    alfa.keys.extra = [secret, {"kty": "oct", "kid": "alfa-oct", "k": served.b64(b"s" * 32)}]
    with served.Served(airlock.binary(arguments.airlock), folder, issuers=[alfa, bravo, operator]) as gateway:
        judged = Judged(gateway)
        for what, token in good(alfa, bravo):
            judged.passes(what, token, "bravo" if what == "the other tenant's own" else "alfa")
        told, _ = judged.shown(operator.pyjwt(operator.claims(roles=["operator"])))
        if told.status != 200 or told.json().get("member") is not None or told.json()["roles"] != ["operator"]:
            judged.wrong.append(f"the operator should pass, not {told}")
        passed = judged.count + 1
        for attacks in (algorithms(alfa, bravo), claims_attacks(alfa, bravo, operator), headers_attacks(alfa, bravo), forms(alfa)):
            for what, token in attacks:
                judged.refused(what, token)
        for what, value in (("no roles", []), ("roles that nobody knows", ["admin", "Analyst", "analyst "])):
            judged.refused(what, joined(alfa, alfa.claims(roles=value)), 403)
        attacked = judged.count - passed + 1
        rotation(judged, gateway, alfa)
        judged.passes("the other tenant's all the while", bravo.pyjwt(), "bravo")
        if not gateway.alive() or "panicked" in gateway.stderr.read_text(encoding="utf-8", errors="replace"):
            judged.wrong.append("the gateway did not go on")
    asked = programs(arguments, folder / "programs", judged)
    for one in judged.wrong:
        print(f"FAILED: {one}", file=sys.stderr)
    print(f"{passed} good tokens by PyJWT {jwt.__version__} and joserfc, {attacked} attacks, keys changed under them; clients' assertions: {asked} attacks; {len(judged.wrong)} wrong")
    return 1 if judged.wrong or attacked < 60 or asked < 20 else 0


def programs(arguments, folder, judged):
    """Clients, and an issuer whose keys lie at a URL, at a gateway of their own; how many attacks by clients."""
    etl, other = assertions.Program("etl", "alfa", ["analyst", "auditor"]), assertions.Program("bi", "bravo", ["analyst"])
    issuer = served.Issuer("away", ["alfa"])
    away, theirs = assertions.Away(issuer.name), assertions.Away("")
    away.keys, theirs.keys = issuer.jwks()["keys"], [other.entry()]
    issuer.keys_at = f'discovery = "{away.url("/.well-known/openid-configuration")}"'
    folder.mkdir()
    gateway = served.Served(airlock.binary(arguments.airlock), folder, issuers=[issuer])
    gateway.more = [*etl.settings('jwks_file = "etl.json"'), *other.settings(f'jwks_url = "{theirs.url("/keys")}"'), "[egress]", "loopback = true"]
    judged.gateway, judged.words = gateway, {}
    with gateway:
        (gateway.home / "etl.json").write_text(json.dumps({"keys": [etl.entry()]}), encoding="utf-8")
        end = time.monotonic() + TAKEN_IN_S_MAX
        while assertions.ask(gateway, assertions.form(etl.pyjwt()))[0] != 200 and time.monotonic() < end:
            time.sleep(0.2)
        asked = assertions.clients(judged, gateway, etl, other)
        if assertions.ask(gateway, assertions.form(other.pyjwt()))[0] != 200:
            judged.wrong.append("a client whose keys lie at a URL gets no token")
        assertions.rotation(judged, gateway, issuer, away)
        if not gateway.alive() or "panicked" in gateway.stderr.read_text(encoding="utf-8", errors="replace"):
            judged.wrong.append("the gateway of programs did not go on")
    return asked


ENCRYPTS = ed25519.Ed25519PrivateKey.generate() if MISSING is None else None


def chosen(arguments, folder):
    """The whole, where its libraries are."""
    if MISSING:
        raise airlock.NotRun(f"{MISSING}; requirements-http.txt names all of it")
    return judge(arguments, folder)


if __name__ == "__main__":
    sys.exit(command.main("tokens", __doc__, chosen))
