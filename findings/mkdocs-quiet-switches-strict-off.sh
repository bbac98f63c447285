#!/usr/bin/env bash
# mkdocs 1.6.1: does `mkdocs build --strict --quiet` fail on a broken link?
#
# `--strict` promises to stop on every warning; `--quiet` promises to print less. One would guess that both together are
# a silent check. But strict counts the warnings that a log handler gets, and quiet sets the logger's level to errors, so
# that the handler gets none: the build says nothing and ends with 0. With `--strict` alone the same site ends with 1.
# So: a pipeline that builds its documentation strictly must not ask it to be quiet.
#
# Seen:
#   mkdocs build --strict: 1
#   mkdocs build --strict --quiet: 0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check mkdocs==1.6.1
mkdir "$folder/docs"
echo 'site_name: one page' >"$folder/mkdocs.yml"
echo 'See [the other page](other.md), which is not there.' >"$folder/docs/index.md"
seen=
for options in --strict "--strict --quiet"; do
  code=0
  # shellcheck disable=SC2086 # two words are two options
  (cd "$folder" && venv/bin/mkdocs build $options >/dev/null 2>&1) || code=$?
  seen+="mkdocs build $options: $code"$'\n'
done
printf '%s' "$seen"
[ "$seen" = "mkdocs build --strict: 1
mkdocs build --strict --quiet: 0
" ]
