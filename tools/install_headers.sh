#!/bin/sh
# Copies the public headers, in their folders, to where pkg-config says they are.
set -e
cd "$MESON_SOURCE_ROOT"
find engine stats strategies reports -name '*.hpp' | while read -r header; do
  install -D -m 644 "$header" "$MESON_INSTALL_DESTDIR_PREFIX/include/walras/$header"
done
