// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Sets of CPUs. Every machine has at least the first one.
#include "kfuncs.h"

struct cpumask { unsigned long bits[4]; } __attribute__((preserve_access_index));
struct bpf_cpumask { struct cpumask cpumask; } __attribute__((preserve_access_index));

extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern struct bpf_cpumask *bpf_cpumask_acquire(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first(const struct cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first_zero(const struct cpumask *mask) __ksym;
extern __u32 bpf_cpumask_first_and(const struct cpumask *a, const struct cpumask *b) __ksym;
extern void bpf_cpumask_set_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_clear_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_and_set_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_test_and_clear_cpu(__u32 cpu, struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_setall(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_clear(struct bpf_cpumask *mask) __ksym;
extern _Bool bpf_cpumask_and(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b) __ksym;
extern void bpf_cpumask_or(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b) __ksym;
extern void bpf_cpumask_xor(struct bpf_cpumask *to, const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_equal(const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_intersects(const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_subset(const struct cpumask *a, const struct cpumask *b) __ksym;
extern _Bool bpf_cpumask_empty(const struct cpumask *mask) __ksym;
extern _Bool bpf_cpumask_full(const struct cpumask *mask) __ksym;
extern void bpf_cpumask_copy(struct bpf_cpumask *to, const struct cpumask *from) __ksym;
extern __u32 bpf_cpumask_any_distribute(const struct cpumask *mask) __ksym;
extern __u32 bpf_cpumask_any_and_distribute(const struct cpumask *a, const struct cpumask *b) __ksym;
extern __u32 bpf_cpumask_weight(const struct cpumask *mask) __ksym;
extern int bpf_cpumask_populate(struct cpumask *mask, void *from, unsigned long size) __ksym;

#define CAST(mask) ((const struct cpumask *)(mask))

SEC("syscall")
int one_set(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 1;
	SAY(bpf_cpumask_empty(CAST(mask)));
	SAY(bpf_cpumask_first(CAST(mask)));
	SAY(bpf_cpumask_first_zero(CAST(mask)));
	SAY(bpf_cpumask_any_distribute(CAST(mask)));
	bpf_cpumask_set_cpu(0, mask);
	SAY(bpf_cpumask_first(CAST(mask)));
	SAY(bpf_cpumask_first_zero(CAST(mask)));
	SAY(bpf_cpumask_test_cpu(0, CAST(mask)));
	SAY(bpf_cpumask_test_cpu(1, CAST(mask)));
	SAY(bpf_cpumask_test_cpu(100000, CAST(mask)));
	SAY(bpf_cpumask_weight(CAST(mask)));
	SAY(bpf_cpumask_any_distribute(CAST(mask)));
	SAY(mask->cpumask.bits[0]);
	SAY(bpf_cpumask_test_and_set_cpu(0, mask));
	SAY(bpf_cpumask_test_and_clear_cpu(0, mask));
	SAY(bpf_cpumask_test_and_clear_cpu(0, mask));
	SAY(bpf_cpumask_test_and_set_cpu(0, mask));
	SAY(bpf_cpumask_test_and_set_cpu(100000, mask));
	bpf_cpumask_set_cpu(100000, mask);
	SAY(bpf_cpumask_weight(CAST(mask)));
	bpf_cpumask_clear_cpu(0, mask);
	SAY(bpf_cpumask_empty(CAST(mask)));
	bpf_cpumask_setall(mask);
	SAY(bpf_cpumask_full(CAST(mask)));
	SAY(bpf_cpumask_weight(CAST(mask)));
	SAY(bpf_cpumask_first_zero(CAST(mask)));
	bpf_cpumask_clear(mask);
	SAY(bpf_cpumask_full(CAST(mask)));
	SAY(bpf_cpumask_empty(CAST(mask)));
	bpf_cpumask_release(mask);
	return 0;
}

SEC("syscall")
int two_sets(void *ctx)
{
	struct bpf_cpumask *one = bpf_cpumask_create(), *other, *more;

	if (!one)
		return 1;
	other = bpf_cpumask_create();
	if (!other)
		goto out;
	bpf_cpumask_set_cpu(0, one);
	SAY(bpf_cpumask_intersects(CAST(one), CAST(other)));
	SAY(bpf_cpumask_equal(CAST(one), CAST(other)));
	SAY(bpf_cpumask_subset(CAST(one), CAST(other)));
	SAY(bpf_cpumask_subset(CAST(other), CAST(one)));
	SAY(bpf_cpumask_first_and(CAST(one), CAST(other)));
	SAY(bpf_cpumask_any_and_distribute(CAST(one), CAST(other)));
	SAY(bpf_cpumask_and(other, CAST(one), CAST(other)));
	bpf_cpumask_or(other, CAST(one), CAST(other));
	SAY(bpf_cpumask_equal(CAST(one), CAST(other)));
	SAY(bpf_cpumask_and(other, CAST(one), CAST(other)));
	SAY(bpf_cpumask_any_and_distribute(CAST(one), CAST(other)));
	bpf_cpumask_xor(other, CAST(one), CAST(other));
	SAY(bpf_cpumask_empty(CAST(other)));
	bpf_cpumask_copy(other, CAST(one));
	SAY(bpf_cpumask_weight(CAST(other)));
	more = bpf_cpumask_acquire(other);
	SAY(more == other);
	bpf_cpumask_release(more);
	bpf_cpumask_release(other);
out:
	bpf_cpumask_release(one);
	return 0;
}

SEC("syscall")
int populated(void *ctx)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();
	unsigned long words[2] = { 1, 0 };
	unsigned int half = 1;

	if (!mask)
		return 1;
	SAY(bpf_cpumask_populate((struct cpumask *)mask, words, sizeof(words)));
	SAY(bpf_cpumask_weight(CAST(mask)));
	SAY(bpf_cpumask_populate((struct cpumask *)mask, &half, sizeof(half)));
	bpf_cpumask_release(mask);
	return 0;
}

struct kept { struct bpf_cpumask __kptr *mask; };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kept);
} keeps SEC(".maps");

// What a run puts there, the next one finds.
SEC("syscall")
int kept_in_a_map(void *ctx)
{
	struct bpf_cpumask *mask, *old;
	struct kept *value;
	__u32 key = 0;

	value = bpf_map_lookup_elem(&keeps, &key);
	if (!value)
		return 1;
	old = bpf_kptr_xchg(&value->mask, (void *)0);
	SAY(old != 0);
	if (old) {
		SAY(bpf_cpumask_first(CAST(old)));
		bpf_cpumask_release(old);
	}
	mask = bpf_cpumask_create();
	if (!mask)
		return 2;
	bpf_cpumask_set_cpu(0, mask);
	old = bpf_kptr_xchg(&value->mask, mask);
	if (old)
		bpf_cpumask_release(old);
	return 0;
}
