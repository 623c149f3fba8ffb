#!/bin/sh
# Copies the SQLite database $1 into the directory $2 while runs go on, one file for each day of the week. What is in
# the write-ahead log is in the copy, which a plain copy of the file would miss.
set -eu
umask 077
mkdir -p "$2"
target="$2/tailguard-$(date +%a).db"
rm -f "$target.new"
sqlite3 -readonly "$1" ".timeout 30000" "VACUUM INTO '$target.new'"
test "$(sqlite3 -readonly "$target.new" 'PRAGMA integrity_check')" = ok
mv "$target.new" "$target"
