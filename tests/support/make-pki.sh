#!/usr/bin/env bash
# A small PKI for demonstrations and tests: one CA, the platform's certificate, one gateway certificate per insurer list.
# usage: make-pki.sh FOLDER INSURER[,INSURER…]               a new PKI
#        make-pki.sh FOLDER INSURER[,INSURER…] NAME [DAYS]   one more client certificate in it
set -euo pipefail
folder=$1
insurers=$2
name=${3:-gateway}
days=${4:-3650}
mkdir -p "$folder"
cd "$folder"
umask 077
subject="/O=kaigo test"
for number in ${insurers//,/ }; do subject+="/OU=$number"; done

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
sign() { # name, subject, extensions
    key "$1.key"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" \
        -extfile <(printf '%s\n' "$3") -out "$1.pem" 2>/dev/null
    rm "$1.csr"
}
if [ $# -lt 3 ]; then
    key ca.key
    openssl req -new -x509 -key ca.key -days 3650 -subj "/O=kaigo test/CN=test CA" -out ca.pem
    sign platform "/O=kaigo test/CN=127.0.0.1" $'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth'
    head -c 32 /dev/urandom > spool.key
fi
sign "$name" "$subject/CN=$name" $'extendedKeyUsage=clientAuth'
