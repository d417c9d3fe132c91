// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// System calls by programs, for the process that runs them.
#include "results.h"

SEC("syscall")
int maps(void *ctx)
{
	union bpf_attr attr = {}, update = {};
	__u32 key = 0, wrong = 9;
	__u64 value = 5;
	long fd;

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 8;
	attr.max_entries = 1;
	fd = bpf_sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	SAY(fd > 2);
	update.map_fd = fd;
	update.key = (__u64)(long)&key;
	update.value = (__u64)(long)&value;
	SAY(bpf_sys_bpf(BPF_MAP_UPDATE_ELEM, &update, sizeof(update)));
	update.key = (__u64)(long)&wrong;
	SAY(bpf_sys_bpf(BPF_MAP_UPDATE_ELEM, &update, sizeof(update)));
	update.key = (__u64)(long)&key;
	SAY(bpf_sys_bpf(BPF_MAP_DELETE_ELEM, &update, sizeof(update)));
	SAY(bpf_sys_close(fd));
	SAY(bpf_sys_bpf(BPF_MAP_UPDATE_ELEM, &update, sizeof(update)));
	SAY(bpf_sys_close(fd));
	SAY(bpf_sys_close(-1));
	attr.key_size = 3;
	SAY(bpf_sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)));
	return 0;
}

SEC("syscall")
int commands(void *ctx)
{
	union bpf_attr attr = {};

	SAY(bpf_sys_bpf(BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr)));
	SAY(bpf_sys_bpf(BPF_OBJ_PIN, &attr, sizeof(attr)));
	SAY(bpf_sys_bpf(1000, &attr, sizeof(attr)));
	SAY(bpf_sys_bpf(BPF_MAP_FREEZE, &attr, sizeof(attr)));
	SAY(bpf_sys_bpf(BPF_MAP_CREATE, &attr, 4));
	return 0;
}
