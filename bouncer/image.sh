#!/bin/sh
# usage: image.sh FOLDER
# Run while the image is built: copies into FOLDER what `bouncer` needs of the system that it is run
# in, and nothing else: node, the iptables programs, their libraries, and what these are told by files.
set -eu
root=$1
mkdir -p "$root/etc" "$root/usr/lib" "$root/usr/lib64" "$root/usr/bin" "$root/usr/sbin" "$root/tmp" "$root/run"
chmod 1777 "$root/tmp"
for folder in bin sbin lib lib64; do ln -s "usr/$folder" "$root/$folder"; done

node=$(command -v node)
node=$(readlink -f "$node")
plugins=$(dirname "$(find /usr/lib -name libxt_REDIRECT.so -o -name libipt_REDIRECT.so -o -name libxt_comment.so | head -n 1)")
# The programs are names of two that do everything.
programs=$(find /usr/sbin -name 'xtables-*-multi' -o -name 'ip*tables-nft*' -o -name 'ip*tables-legacy*')
# Of each library the name that it is asked for by, as a file.
libraries=$(ldd "$node" $programs "$plugins"/*.so | grep -o '/[^ ():]*\.so[^ ():]*' | sort -u)

put() { # put FILE [NAME]: with what a link leads to, at its own place
  folder=$(readlink -f "$(dirname "${2:-$1}")")
  mkdir -p "$root$folder"
  cp -L --preserve=mode "$1" "$root$folder/$(basename "${2:-$1}")"
}
mkdir -p "$root/usr/local/bin"
put "$node" /usr/local/bin/node
for file in $libraries; do put "$file"; done
for file in "$plugins"/*.so; do put "$file"; done
for file in $programs; do
  if [ -L "$file" ]; then cp -P "$file" "$root$file"; else put "$file"; fi
done

echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
printf '%s\n' root:x:0:0:root:/:/nologin nonroot:x:65532:65532:nonroot:/:/nologin >"$root/etc/passwd"
printf '%s\n' root:x:0: nonroot:x:65532: >"$root/etc/group"
# For those who look for known vulnerabilities, and for whose work it is.
[ ! -e /etc/os-release ] || cp -L /etc/os-release "$root/etc/os-release"
packages=$(for file in $libraries $programs; do
  dpkg -S "$file" "$(readlink -f "$file")" "/usr$file" 2>/dev/null || true
done | cut -d : -f 1 | sort -u)
mkdir -p "$root/var/lib/dpkg/status.d"
for package in $packages; do
  dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"
  notice=/usr/share/doc/$package/copyright
  [ ! -e "$notice" ] || { mkdir -p "$root${notice%/*}" && cp -L "$notice" "$root$notice"; }
done
[ ! -e /usr/local/LICENSE ] || cp /usr/local/LICENSE "$root/usr/local/LICENSE"

chroot "$root" /usr/local/bin/node --version >&2
chroot "$root" /usr/sbin/iptables-nft-restore --version >&2
chroot "$root" /usr/sbin/ip6tables-legacy-save --version >&2
