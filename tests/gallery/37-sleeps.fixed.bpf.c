// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// A helper that may sleep, in a program that may not. Mended.
#include "gallery.h"

SEC("uprobe.s")
int read_it(void *ctx)
{
	char byte = 0;

	bpf_copy_from_user(&byte, sizeof(byte), (void *)0x1000);
	return byte;
}
