// SPDX-License-Identifier: (MIT OR GPL-2.0-only)
// Special fields in values: locks, references, timers.
#include "kfuncs.h"

struct locked {
	__u32 before;
	struct bpf_spin_lock lock;
	__u64 after;
};

#define VALUES(map_name, map_type, map_value, entries) \
	struct { \
		__uint(type, map_type); \
		__type(key, __u32); \
		__type(value, map_value); \
		__uint(max_entries, entries); \
	} map_name SEC(".maps")

VALUES(locked_array, BPF_MAP_TYPE_ARRAY, struct locked, 2);
VALUES(locked_hash, BPF_MAP_TYPE_HASH, struct locked, 4);
VALUES(plain_hash, BPF_MAP_TYPE_HASH, __u64, 4);

SEC("tc")
int locks(struct __sk_buff *ctx)
{
	struct locked new = { .before = 1, .after = 2 }, *value;
	__u32 key = 1;
	__u64 plain = 1;

	value = bpf_map_lookup_elem(&locked_array, &key);
	if (!value)
		return 1;
	bpf_spin_lock(&value->lock);
	value->before++;
	value->after += ctx->len;
	bpf_spin_unlock(&value->lock);
	SAY(bpf_map_update_elem(&locked_array, &key, &new, BPF_F_LOCK));
	SAY(bpf_map_update_elem(&locked_array, &key, &new, BPF_F_LOCK | BPF_NOEXIST));
	SAY(bpf_map_update_elem(&locked_array, &key, &new, BPF_F_LOCK | BPF_EXIST));
	SAY(bpf_map_update_elem(&locked_hash, &key, &new, BPF_F_LOCK | BPF_EXIST));
	SAY(bpf_map_update_elem(&locked_hash, &key, &new, BPF_F_LOCK | BPF_NOEXIST));
	SAY(bpf_map_update_elem(&locked_hash, &key, &new, BPF_F_LOCK | BPF_NOEXIST));
	new.after = 3;
	value = bpf_map_lookup_elem(&locked_hash, &key);
	SAY(bpf_map_update_elem(&locked_hash, &key, &new, BPF_F_LOCK));
	SAY(value ? value->after : -1);
	new.after = 4;
	SAY(bpf_map_update_elem(&locked_hash, &key, &new, 0));
	SAY(value ? value->after : -1);
	key = 5;
	SAY(bpf_map_update_elem(&locked_array, &key, &new, BPF_F_LOCK));
	SAY(bpf_map_update_elem(&locked_array, &key, &new, BPF_F_LOCK | BPF_NOEXIST));
	SAY(bpf_map_update_elem(&plain_hash, &key, &plain, BPF_F_LOCK));
	SAY(bpf_map_update_elem(&plain_hash, &key, &plain, opaque(BPF_F_LOCK | 3)));
	return 0;
}

struct resilient {
	struct bpf_res_spin_lock lock;
	__u32 value;
};

VALUES(resilient_array, BPF_MAP_TYPE_ARRAY, struct resilient, 2);

SEC("tc")
int resilient_locks(struct __sk_buff *ctx)
{
	struct resilient *one, *other;
	__u32 zero = 0, first = 1;
	int error;

	one = bpf_map_lookup_elem(&resilient_array, &zero);
	other = bpf_map_lookup_elem(&resilient_array, &first);
	if (!one || !other)
		return 1;
	error = bpf_res_spin_lock(&one->lock);
	if (error)
		return 2;
	error = bpf_res_spin_lock(&other->lock);
	if (error) {
		bpf_res_spin_unlock(&one->lock);
		return 3;
	}
	one->value++;
	bpf_res_spin_unlock(&other->lock);
	bpf_res_spin_unlock(&one->lock);
	SAY(one->value);
	return 0;
}

struct kept {
	__u64 number;
};

struct keeper {
	__u64 count;
	struct kept __kptr *kept;
};

VALUES(keepers, BPF_MAP_TYPE_HASH, struct keeper, 4);

SEC("tc")
int kptrs(struct __sk_buff *ctx)
{
	struct keeper empty = { .count = 5 }, *keeper;
	struct kept *object, *old;
	__u32 key = ctx->len & 1;

	SAY(bpf_map_update_elem(&keepers, &key, &empty, BPF_NOEXIST));
	keeper = bpf_map_lookup_elem(&keepers, &key);
	if (!keeper)
		return 1;
	object = NEW(struct kept);
	if (!object)
		return 2;
	object->number = ctx->len;
	old = bpf_kptr_xchg(&keeper->kept, object);
	SAY(old ? old->number : -1);
	if (old)
		DROP(old);
	keeper->count++;
	if ((ctx->len & 3) == 3) {
		old = bpf_kptr_xchg(&keeper->kept, 0);
		SAY(old ? old->number : -1);
		if (old)
			DROP(old);
	}
	if ((ctx->len & 7) == 4)
		SAY(bpf_map_update_elem(&keepers, &key, &empty, BPF_EXIST));
	return 0;
}

struct timed {
	__u64 fired;
	struct bpf_timer timer;
};

VALUES(timers, BPF_MAP_TYPE_ARRAY, struct timed, 2);

static int fire(void *map, __u32 *key, struct timed *value)
{
	value->fired++;
	return 0;
}

SEC("tc")
int timer_errors(struct __sk_buff *ctx)
{
	__u32 key = 0;
	struct timed *value = bpf_map_lookup_elem(&timers, &key), none = {};

	if (!value)
		return 1;
	SAY(bpf_map_update_elem(&timers, &key, &none, 0));
	SAY(bpf_timer_start(&value->timer, 1000, 0));
	SAY(bpf_timer_cancel(&value->timer));
	SAY(bpf_timer_set_callback(&value->timer, fire));
	SAY(bpf_timer_init(&value->timer, &timers, opaque(5)));
	SAY(bpf_timer_init(&value->timer, &timers, opaque(16)));
	SAY(bpf_timer_init(&value->timer, &timers, opaque(1)));
	SAY(bpf_timer_init(&value->timer, &timers, opaque(1)));
	SAY(bpf_timer_start(&value->timer, 1000, 0));
	SAY(bpf_timer_cancel(&value->timer));
	SAY(bpf_timer_set_callback(&value->timer, fire));
	SAY(bpf_timer_start(&value->timer, 1ull << 50, opaque(4)));
	SAY(bpf_timer_start(&value->timer, 1ull << 50, 0));
	SAY(bpf_timer_start(&value->timer, 1ull << 51, 0));
	SAY(bpf_timer_cancel(&value->timer));
	SAY(bpf_timer_cancel(&value->timer));
	SAY(bpf_timer_start(&value->timer, 1ull << 50, 0));
	SAY(bpf_timer_set_callback(&value->timer, fire));
	SAY(bpf_timer_start(&value->timer, 1ull << 50, 0));
	SAY(bpf_map_update_elem(&timers, &key, &none, 0));
	SAY(bpf_timer_cancel(&value->timer));
	SAY(value->fired);
	return 0;
}
