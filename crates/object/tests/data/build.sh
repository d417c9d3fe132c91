#!/bin/sh
# Rebuilds every object of this folder: sh build.sh
# Needs clang 14, 15, 16 and 19 with their llvm-strip and llvm-objcopy, libbpf's headers, bpftool.
set -e
cd "$(dirname "$0")"

# build OUTPUT CLANG SOURCE FLAGS…: without DWARF, which no loader reads.
build() {
	out=$1 clang=$2 source=$3
	shift 3
	"clang-$clang" -O2 -g -Wall -Wno-unused -Wno-missing-declarations \
		-I/usr/include/x86_64-linux-gnu -fdebug-compilation-dir=. "$@" -c "$source" -o "$out"
	llvm-strip-19 -g "$out"
}
LE="-target bpfel" BE="-target bpfeb"

for version in 14 15 16 19; do
	build "globals-$version.o" $version globals.bpf.c $LE
	build "maps-$version.o" $version maps.bpf.c $LE
	build "core-$version.o" $version core.bpf.c $LE
done
build sections.o 19 sections.bpf.c $LE -mcpu=v3
build sections-v1.o 19 sections.bpf.c $LE -mcpu=v1
build sections-v4.o 19 sections.bpf.c $LE -mcpu=v4
build sections-be.o 19 sections.bpf.c $BE -mcpu=v3
build globals-be.o 19 globals.bpf.c $BE
build maps-be.o 19 maps.bpf.c $BE
build globals-nobtf.o 19 globals.bpf.c $LE -g0
build legacy.o 19 legacy.c $LE -g0
build legacy-be.o 19 legacy.c $BE -g0
build legacy-btf.o 19 legacy.c $LE
build externs.o 19 externs.bpf.c $LE
build kernel.o 19 kernel.bpf.c $LE
build struct_ops.o 19 struct_ops.bpf.c $LE
build rust_like.o 19 rust_like.c $LE
build arena.o 19 arena.bpf.c $LE -mcpu=v4
build common.o 19 common.bpf.c $LE -mcpu=v3 -fcommon
build link_a.o 19 link_a.bpf.c $LE
build link_b.o 19 link_b.bpf.c $LE
build link_c.o 19 link_c.bpf.c $LE
bpftool gen object linked.o link_a.o link_b.o

# DWARF kept and compressed.
clang-19 $LE -O2 -g -I/usr/include/x86_64-linux-gnu -fdebug-compilation-dir=. -c rust_like.c -o zlib.o
cp zlib.o zstd.o
llvm-objcopy-19 --compress-debug-sections=zlib zlib.o
llvm-objcopy-19 --compress-debug-sections=zstd zstd.o
