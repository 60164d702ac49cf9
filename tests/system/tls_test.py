#!/usr/bin/env python3
"""Certificates that are wrong in every way are refused before any byte of a body leaves."""

import ssl
import subprocess
import time
from pathlib import Path

from harness import City, TlsServer, expect, main

# name, subject, extensions, CA, openssl options
CASES = """
openssl ecparam -name prime256v1 -genkey -noout -out other-ca.key
openssl req -new -x509 -key other-ca.key -days 3650 -subj "/O=other/CN=other CA" -out other-ca.pem
make() { # name subject extensions ca start end
    openssl ecparam -name prime256v1 -genkey -noout -out $1.key
    openssl req -new -key $1.key -subj "$2" -out $1.csr
    : > index.txt
    printf '[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\nunique_subject=no\n[p]\norganizationName=optional\norganizationalUnitName=optional\ncommonName=optional\n[e]\n%s\n' "$3" > ca.cnf
    openssl ca -batch -config ca.cnf -extensions e -cert $4.pem -keyfile $4.key -in $1.csr -out $1.pem -startdate $5 -enddate $6 -notext
    rm $1.csr
}
server=$'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth'
make server-other-ca "/O=t/CN=s" "$server" other-ca 20200101000000Z 20400101000000Z
make server-expired "/O=t/CN=s" "$server" ca 20200101000000Z 20210101000000Z
make server-not-yet "/O=t/CN=s" "$server" ca 20390101000000Z 20400101000000Z
make server-other-host "/O=t/CN=s" $'subjectAltName=DNS:elsewhere.example\nextendedKeyUsage=serverAuth' ca 20200101000000Z 20400101000000Z
make server-wrong-purpose "/O=t/CN=s" $'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=clientAuth' ca 20200101000000Z 20400101000000Z
make client-other-ca "/O=t/OU=122192/CN=c" "extendedKeyUsage=clientAuth" other-ca 20200101000000Z 20400101000000Z
make client-expired "/O=t/OU=122192/CN=c" "extendedKeyUsage=clientAuth" ca 20200101000000Z 20210101000000Z
make client-other-insurer "/O=t/OU=122069/CN=c" "extendedKeyUsage=clientAuth" ca 20200101000000Z 20400101000000Z
"""


# Forms in which certificates and keys are really handed out: name.pem and name.key.
FORMS = """
openssl pkcs8 -topk8 -in gateway.key -out password.key -passout pass:secret; cp gateway.pem password.pem
openssl ec -in gateway.key -aes256 -passout pass:secret -out password-old.key; cp gateway.pem password-old.pem
openssl pkcs12 -export -in gateway.pem -inkey gateway.key -passout pass:secret -out bundle.pem; cp bundle.pem bundle.key
cp gateway.pem bundle-key.pem; cp bundle.pem bundle-key.key
openssl x509 -in gateway.pem -outform DER -out der.pem; cp gateway.key der.key
openssl ec -in gateway.key -outform DER -out der-key.key; cp gateway.pem der-key.pem
cat ca.pem gateway.pem > ca-first.pem; cp gateway.key ca-first.key
: > empty.pem; cp gateway.key empty.key; : > empty-key.key; cp gateway.pem empty-key.pem
head -c 300 gateway.pem > half.pem; cp gateway.key half.key
head -c 120 gateway.key > half-key.key; cp gateway.pem half-key.pem
cp gateway.key swapped.pem; cp gateway.pem swapped.key
cp gateway.pem swapped-key.pem; cp gateway.pem swapped-key.key
(printf '\\xef\\xbb\\xbf'; sed 's/$/\r/' gateway.pem) > windows.pem; (printf '\\xef\\xbb\\xbf'; sed 's/$/\r/' gateway.key) > windows.key
cat gateway.key gateway.pem > both.pem; cp both.pem both.key
sign() { # key, without .key
    openssl req -new -key $1.key -subj "/O=t/OU=122192/CN=c" -out $1.csr
    openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -out $1.pem -extfile <(echo extendedKeyUsage=clientAuth)
}
openssl genrsa -out weak.key 1024; sign weak
openssl ecparam -name brainpoolP256r1 -genkey -noout -out brainpool.key; sign brainpool
openssl genpkey -algorithm ed25519 -out ed25519.key; sign ed25519
openssl genrsa -traditional -out rsa.key 2048; sign rsa
chmod 600 *.key
"""
UNUSABLE = {
    "password": "has a password", "password-old": "has a password", "bundle": "PKCS#12", "bundle-key": "PKCS#12", "der": "DER",
    "der-key": "DER", "ca-first": "own certificate first", "empty": "file is empty", "empty-key": "file is empty",
    "half": "cut off", "half-key": "cut off", "swapped": "no certificate", "swapped-key": "no private key",
    "weak": "key too small", "brainpool": "TLS 1.3 has no signature",
}


def every_form_works_or_is_named(city: City) -> None:
    subprocess.run(["bash", "-euc", FORMS], cwd=city.folder / "pki", check=True, capture_output=True)
    for name, told in UNUSABLE.items():
        city.write_config(certificate=name)
        result = city.gateway("doctor")
        said = result.stdout + result.stderr
        expect(result.returncode == 78 and told in said, f"{name}: {result.returncode} {said}")
        expect("with: kaigo-gateway doctor" not in said, f"{name}: the doctor sends to the doctor: {said}")
        expect("Enter" not in said, f"{name}: somebody is asked for a password: {said}")
    city.now = int(time.time() * 1000)  # they were issued a moment ago
    for name in ("windows", "both", "ed25519", "rsa"):
        city.write_config(certificate=name)
        result = city.gateway("doctor")
        expect(result.returncode in (0, 1), f"{name}: {result.stdout}{result.stderr}")
    city.write_config()


def refused(city: City, name: str) -> None:
    before = city.effects()
    city.now += 3_600_000  # past the pause after the last refusal
    result = city.run_job("initial-setup", "--yes", "--wait", "0", status=77)
    expect("doctor" in result.stderr or "entitled" in result.stderr, f"{name}: no remedy: {result.stderr}")
    expect(city.effects() == before, f"{name}: records arrived")


def only_tls_1_2(city: City) -> None:
    """A server that speaks TLS 1.2 at most, and would tell if a request came through."""
    city.stop_simulator()
    seen: list[bytes] = []
    with TlsServer(city, lambda stream: seen.append(stream.recv(100)), newest=ssl.TLSVersion.TLSv1_2):
        city.run_job("initial-setup", "--yes", "--wait", "5s", status=(69, 77))
    expect(not seen, "a request was sent over TLS 1.2")


def tls(binaries: Path) -> None:
    with City(binaries, 30) as city:
        subprocess.run(["bash", "-euc", CASES], cwd=city.folder / "pki", check=True, capture_output=True)
        for server in ("server-other-ca", "server-expired", "server-not-yet", "server-other-host", "server-wrong-purpose"):
            city.start_simulator(certificate=server)
            refused(city, server)
            city.stop_simulator()
        city.start_simulator()
        for client in ("client-other-ca", "client-expired", "client-other-insurer"):
            city.write_config(certificate=client)
            refused(city, client)
        only_tls_1_2(city)
        # And with everything right, what was owed all the while goes out once.
        city.start_simulator()
        city.now += 3_600_000
        city.run_job("initial-setup", "--yes", "--wait", "1h")
        city.settle()
        city.check()
        every_form_works_or_is_named(city)


if __name__ == "__main__":
    main(tls)
