// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * The attributes libbpf makes of each of its calls of bpf(2), as crates/program/tests/attr/libbpf.txt
 * keeps them: a command, the fields it was asked for, the bytes it gave.
 *
 * The driver defines syscall() itself, so no call reaches the kernel. Numbers are such that no two
 * fields of a call hold the same; pointers lead nowhere.
 *
 *     cc -o libbpf_attr libbpf_attr.c -lbpf && ./libbpf_attr > libbpf.txt
 */
#define _GNU_SOURCE
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define AT(n) ((void *)(uintptr_t)(0x7f0000000000 + (n)))

static unsigned char given[4096];
static long size;

long syscall(long number, ...)
{
	const void *attr;
	va_list args;

	if (number != SYS_bpf)
		return 0;
	va_start(args, number);
	va_arg(args, long);
	attr = va_arg(args, const void *);
	size = va_arg(args, unsigned int);
	va_end(args);
	memcpy(given, attr, size);
	/* Whatever it is taken for, a descriptor or a count, it is no error. */
	return 100;
}

/* Only the last call counts: libbpf asks first what the kernel has. */
#define CASE(command, fields, call)                                                                \
	do {                                                                                       \
		call;                                                                              \
		printf("%s %s\n ", command, fields);                                               \
		for (long i = 0; i < size; i++)                                                    \
			printf("%s%02x", i % 8 ? "" : " ", given[i]);                              \
		printf("\n");                                                                      \
	} while (0)

static void maps(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, create, .btf_fd = 11, .btf_key_type_id = 12,
		    .btf_value_type_id = 13, .inner_map_fd = 14, .map_flags = 15,
		    .map_extra = 0x1122334455667788, .numa_node = 16, .map_ifindex = 17);
	LIBBPF_OPTS(bpf_map_create_opts, operations, .btf_vmlinux_value_type_id = 18);
	LIBBPF_OPTS(bpf_map_batch_opts, batch, .elem_flags = 3, .flags = 4);
	__u32 count = 9;

	CASE("map_create", "map_type=1 key_size=4 value_size=8 max_entries=10",
	     bpf_map_create(BPF_MAP_TYPE_HASH, NULL, 4, 8, 10, NULL));
	CASE("map_create",
	     "map_type=12 key_size=4 value_size=8 max_entries=10 map_flags=15 inner_map_fd=14 "
	     "numa_node=16 map_name=\"counts\" map_ifindex=17 btf_fd=11 btf_key_type_id=12 "
	     "btf_value_type_id=13 map_extra=0x1122334455667788",
	     bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "counts", 4, 8, 10, &create));
	CASE("map_create",
	     "map_type=26 key_size=4 value_size=64 max_entries=1 map_name=\"fifteen_letters\" "
	     "btf_vmlinux_value_type_id=18",
	     bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, "fifteen_letters_and_more", 4, 64, 1,
			    &operations));
	CASE("map_lookup_elem", "map_fd=5 key=0x7f0000000001 value=0x7f0000000002 flags=4",
	     bpf_map_lookup_elem_flags(5, AT(1), AT(2), 4));
	CASE("map_update_elem", "map_fd=5 key=0x7f0000000001 value=0x7f0000000002 flags=2",
	     bpf_map_update_elem(5, AT(1), AT(2), 2));
	CASE("map_lookup_and_delete_elem",
	     "map_fd=5 key=0x7f0000000001 value=0x7f0000000002 flags=4",
	     bpf_map_lookup_and_delete_elem_flags(5, AT(1), AT(2), 4));
	CASE("map_delete_elem", "map_fd=5 key=0x7f0000000001", bpf_map_delete_elem(5, AT(1)));
	CASE("map_get_next_key", "map_fd=5 key=0x7f0000000001 next_key=0x7f0000000002",
	     bpf_map_get_next_key(5, AT(1), AT(2)));
	CASE("map_freeze", "map_fd=5", bpf_map_freeze(5));
	CASE("map_lookup_batch",
	     "in_batch=0x7f0000000001 out_batch=0x7f0000000002 keys=0x7f0000000003 "
	     "values=0x7f0000000004 count=9 map_fd=5 elem_flags=3 flags=4",
	     bpf_map_lookup_batch(5, AT(1), AT(2), AT(3), AT(4), &count, &batch));
	CASE("map_lookup_and_delete_batch",
	     "in_batch=0x7f0000000001 out_batch=0x7f0000000002 keys=0x7f0000000003 "
	     "values=0x7f0000000004 count=9 map_fd=5 elem_flags=3 flags=4",
	     bpf_map_lookup_and_delete_batch(5, AT(1), AT(2), AT(3), AT(4), &count, &batch));
	CASE("map_update_batch",
	     "keys=0x7f0000000003 values=0x7f0000000004 count=9 map_fd=5 elem_flags=3 flags=4",
	     bpf_map_update_batch(5, AT(3), AT(4), &count, &batch));
	CASE("map_delete_batch", "keys=0x7f0000000003 count=9 map_fd=5 elem_flags=3 flags=4",
	     bpf_map_delete_batch(5, AT(3), &count, &batch));
}

static void programs(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = 21, .prog_btf_fd = 22,
		    .prog_flags = 23, .prog_ifindex = 24, .kern_version = 25, .attach_btf_id = 26,
		    .attach_btf_obj_fd = 28, .fd_array = AT(5), .func_info = AT(6),
		    .func_info_cnt = 29, .func_info_rec_size = 30, .line_info = AT(7),
		    .line_info_cnt = 31, .line_info_rec_size = 32, .log_level = 2, .log_size = 33,
		    .log_buf = AT(8));
	LIBBPF_OPTS(bpf_prog_load_opts, extension, .attach_btf_id = 26, .attach_prog_fd = 27);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = AT(1), .data_out = AT(2), .data_size_in = 41,
		    .data_size_out = 42, .ctx_in = AT(3), .ctx_out = AT(4), .ctx_size_in = 43,
		    .ctx_size_out = 44, .repeat = 45, .flags = 46, .cpu = 47, .batch_size = 48);
	LIBBPF_OPTS(bpf_prog_bind_opts, bind, .flags = 7);
	LIBBPF_OPTS(bpf_btf_load_opts, btf, .log_buf = AT(2), .log_level = 1, .log_size = 51);

	CASE("prog_load",
	     "prog_type=6 insn_cnt=2 insns=0x7f0000000001 license=0x7f0000000002 "
	     "prog_name=\"pass\" log_level=2 log_size=33 log_buf=0x7f0000000008 kern_version=25 "
	     "prog_flags=23 prog_ifindex=24 expected_attach_type=21 prog_btf_fd=22 "
	     "func_info_rec_size=30 func_info=0x7f0000000006 func_info_cnt=29 "
	     "line_info_rec_size=32 line_info=0x7f0000000007 line_info_cnt=31 attach_btf_id=26 "
	     "attach_btf_obj_fd=28 fd_array=0x7f0000000005",
	     bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", AT(2), AT(1), 2, &load));
	CASE("prog_load",
	     "prog_type=28 insn_cnt=2 insns=0x7f0000000001 license=0x7f0000000002 "
	     "attach_btf_id=26 attach_prog_fd=27",
	     bpf_prog_load(BPF_PROG_TYPE_EXT, NULL, AT(2), AT(1), 2, &extension));
	CASE("prog_test_run",
	     "prog_fd=6 data_size_in=41 data_size_out=42 data_in=0x7f0000000001 "
	     "data_out=0x7f0000000002 repeat=45 ctx_size_in=43 ctx_size_out=44 "
	     "ctx_in=0x7f0000000003 ctx_out=0x7f0000000004 flags=46 cpu=47 batch_size=48",
	     bpf_prog_test_run_opts(6, &run));
	CASE("prog_bind_map", "prog_fd=6 map_fd=5 flags=7", bpf_prog_bind_map(6, 5, &bind));
	CASE("btf_load",
	     "btf=0x7f0000000001 btf_log_buf=0x7f0000000002 btf_size=24 btf_log_size=51 "
	     "btf_log_level=1",
	     bpf_btf_load(AT(1), 24, &btf));
	CASE("raw_tracepoint_open", "name=0x7f0000000001 prog_fd=6",
	     bpf_raw_tracepoint_open(AT(1), 6));
	CASE("enable_stats", "", bpf_enable_stats(BPF_STATS_RUN_TIME));
}

static void objects(void)
{
	LIBBPF_OPTS(bpf_obj_get_opts, get, .file_flags = 8);
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, open, .open_flags = 16);
	__u32 next, length = 80, kind;
	__u64 offset, address;

	CASE("obj_pin", "pathname=0x7f0000000001 bpf_fd=5", bpf_obj_pin(5, AT(1)));
	CASE("obj_get", "pathname=0x7f0000000001 file_flags=8", bpf_obj_get_opts(AT(1), &get));
	CASE("prog_get_next_id", "start_id=61", bpf_prog_get_next_id(61, &next));
	CASE("map_get_next_id", "start_id=62", bpf_map_get_next_id(62, &next));
	CASE("btf_get_next_id", "start_id=63", bpf_btf_get_next_id(63, &next));
	CASE("link_get_next_id", "start_id=64", bpf_link_get_next_id(64, &next));
	CASE("prog_get_fd_by_id", "prog_id=61", bpf_prog_get_fd_by_id(61));
	CASE("map_get_fd_by_id", "map_id=62 open_flags=16", bpf_map_get_fd_by_id_opts(62, &open));
	CASE("btf_get_fd_by_id", "btf_id=63", bpf_btf_get_fd_by_id(63));
	CASE("link_get_fd_by_id", "link_id=64", bpf_link_get_fd_by_id(64));
	CASE("obj_get_info_by_fd", "bpf_fd=5 info_len=80 info=0x7f0000000001",
	     bpf_obj_get_info_by_fd(5, AT(1), &length));
	length = 81;
	CASE("task_fd_query", "pid=71 fd=72 flags=73 buf_len=81 buf=0x7f0000000001",
	     bpf_task_fd_query(71, 72, 73, AT(1), &length, &next, &kind, &offset, &address));
}

static void links(void)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, attach, .flags = 4, .replace_prog_fd = 82);
	LIBBPF_OPTS(bpf_prog_query_opts, query, .query_flags = 1, .prog_ids = AT(1), .prog_cnt = 83,
		    .prog_attach_flags = AT(2));
	LIBBPF_OPTS(bpf_link_create_opts, flags, .flags = 8);
	LIBBPF_OPTS(bpf_link_create_opts, event, .perf_event.bpf_cookie = 84);
	LIBBPF_OPTS(bpf_link_create_opts, tracing, .tracing.cookie = 85);
	LIBBPF_OPTS(bpf_link_create_opts, iter, .iter_info = AT(1), .iter_info_len = 86);
	LIBBPF_OPTS(bpf_link_create_opts, probes, .kprobe_multi.flags = 1, .kprobe_multi.cnt = 87,
		    .kprobe_multi.addrs = AT(2), .kprobe_multi.cookies = AT(3));
	LIBBPF_OPTS(bpf_link_create_opts, target, .target_btf_id = 89);
	LIBBPF_OPTS(bpf_link_update_opts, update, .flags = 4, .old_prog_fd = 88);

	CASE("prog_attach",
	     "target_fd=7 attach_bpf_fd=6 attach_type=1 attach_flags=4 replace_bpf_fd=82",
	     bpf_prog_attach_opts(6, 7, BPF_CGROUP_INET_EGRESS, &attach));
	CASE("prog_detach", "target_fd=7 attach_bpf_fd=6 attach_type=1",
	     bpf_prog_detach2(6, 7, BPF_CGROUP_INET_EGRESS));
	CASE("prog_query",
	     "target_fd=7 attach_type=1 query_flags=1 prog_ids=0x7f0000000001 prog_cnt=83 "
	     "prog_attach_flags=0x7f0000000002",
	     bpf_prog_query_opts(7, BPF_CGROUP_INET_EGRESS, &query));
	CASE("link_create", "prog_fd=6 target_ifindex=7 attach_type=37 flags=8",
	     bpf_link_create(6, 7, BPF_XDP, &flags));
	CASE("link_create", "prog_fd=6 target_fd=7 attach_type=41 perf_event.bpf_cookie=84",
	     bpf_link_create(6, 7, BPF_PERF_EVENT, &event));
	CASE("link_create", "prog_fd=6 target_fd=7 attach_type=24 tracing.cookie=85",
	     bpf_link_create(6, 7, BPF_TRACE_FENTRY, &tracing));
	CASE("link_create",
	     "prog_fd=6 target_fd=7 attach_type=28 iter_info=0x7f0000000001 iter_info_len=86",
	     bpf_link_create(6, 7, BPF_TRACE_ITER, &iter));
	CASE("link_create",
	     "prog_fd=6 target_fd=7 attach_type=42 kprobe_multi.flags=1 kprobe_multi.cnt=87 "
	     "kprobe_multi.addrs=0x7f0000000002 kprobe_multi.cookies=0x7f0000000003",
	     bpf_link_create(6, 7, BPF_TRACE_KPROBE_MULTI, &probes));
	CASE("link_create", "prog_fd=6 target_fd=7 target_btf_id=89",
	     bpf_link_create(6, 7, 0, &target));
	CASE("link_update", "link_fd=8 new_prog_fd=6 flags=4 old_prog_fd=88",
	     bpf_link_update(8, 6, &update));
	CASE("link_detach", "link_fd=8", bpf_link_detach(8));
	CASE("iter_create", "link_fd=8", bpf_iter_create(8));
}

int main(void)
{
	printf("; What libbpf %d.%d gives. Written by xtask/drivers/libbpf_attr.c.\n",
	       libbpf_major_version(), libbpf_minor_version());
	maps();
	programs();
	objects();
	links();
	return 0;
}
