#!/bin/sh
# Random tokens, made once and kept in a volume; prints how to log in.
set -eu
make() { # file, prefix
  [ -s "/tokens/$1" ] || printf '%s%s' "$2" "$(head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n')" > "/tokens/$1"
}
make api api_
make read read_
make ingest app=
make stripe whsec_
make s3_user user
make s3_password ""
chmod 0444 /tokens/*
echo "Open http://127.0.0.1:8000 and log in with the token $(cat /tokens/api)"
echo "Send events with:  curl http://127.0.0.1:8000/ingest/transaction -H 'authorization: Bearer $(cut -d= -f2 /tokens/ingest)' ..."
