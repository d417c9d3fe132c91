// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Variables of the kernel by their types. Rebuild from the repository root:
// clang-19 -target bpf -O2 -g -mcpu=v3 -fdebug-prefix-map=$PWD=. -I/usr/include/x86_64-linux-gnu -c crates/osmia/tests/data/variables.bpf.c -o crates/osmia/tests/data/variables.bpf.o
// llvm-strip-19 -g crates/osmia/tests/data/variables.bpf.o
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct rq { int cpu; long load; } __attribute__((preserve_access_index));

extern const struct rq runqueues __ksym;
extern const int cpu_number __ksym;
extern const int nr_active __ksym;

int cpus, own, active;
long load, loads;

SEC("tc")
int sum(struct __sk_buff *ctx)
{
	const struct rq *rq;

	cpus = loads = 0;
	for (int cpu = 0; cpu < 8; cpu++) {
		rq = bpf_per_cpu_ptr(&runqueues, cpu);
		if (!rq)
			break;
		cpus += rq->cpu == cpu;
		loads += rq->load;
	}
	rq = bpf_this_cpu_ptr(&runqueues);
	load = rq->load;
	own = *(int *)bpf_this_cpu_ptr(&cpu_number);
	active = nr_active;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
