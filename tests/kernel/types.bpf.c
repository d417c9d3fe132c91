// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Types of the running kernel by name and kind.
#include "results.h"

#define FIND(name, kind, flags) \
	({ \
		char text[] = name; \
		SAY(bpf_btf_find_by_name_kind(text, sizeof(text), kind, flags)); \
	})

SEC("syscall")
int find(void *ctx)
{
	char open[4] = { 'i', 'n', 't', 'x' };

	FIND("int", 1, 0);
	FIND("task_struct", 4, 0);
	FIND("task_struct", 5, 0);
	FIND("bpf_attr", 5, 0);
	FIND("bpf_map_type", 6, 0);
	FIND("u32", 8, 0);
	FIND("bpf_prog_load", 12, 0);
	FIND("vfs_read", 12, 0);
	FIND("no such type", 4, 0);
	FIND("int", 0, 0);
	FIND("int", 99, 0);
	FIND("int", -1, 0);
	FIND("int", 1, 1);
	FIND("", 4, 0);
	FIND("int\0struct", 1, 0);
	SAY(bpf_btf_find_by_name_kind(open, sizeof(open), 1, 0));
	return 0;
}
