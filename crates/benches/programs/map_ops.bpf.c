// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * One program for each map kind and operation, 64 operations a run. Which maps hold what beforehand,
 * and the same key sequences for other engines, are in src/maps.rs.
 */
#include "bench.h"

#define FILLED 65536u
#define ROUTES 16384u

struct wide_key {
	u32 words[4];
};

struct wide_value {
	u64 words[4];
};

struct lpm_key {
	u32 prefixlen;
	u8 addr[4];
};

BENCH_MAP(array, BPF_MAP_TYPE_ARRAY, u32, u64, FILLED, 0);
BENCH_MAP(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 1024, 0);
BENCH_MAP(hash, BPF_MAP_TYPE_HASH, u32, u64, 2 * FILLED, 0);
BENCH_MAP(hash_wide, BPF_MAP_TYPE_HASH, struct wide_key, struct wide_value, 2 * FILLED, 0);
BENCH_MAP(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, u32, u64, 2 * FILLED, 0);
BENCH_MAP(lru, BPF_MAP_TYPE_LRU_HASH, u32, u64, 2 * FILLED, 0);
BENCH_MAP(lru_full, BPF_MAP_TYPE_LRU_HASH, u32, u64, 16384, 0);
BENCH_MAP(routes, BPF_MAP_TYPE_LPM_TRIE, struct lpm_key, u64, 2 * ROUTES, BPF_F_NO_PREALLOC);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1024);
	__type(value, u64);
} queue SEC(".maps");

/* How far each CPU is in its sequence. */
BENCH_MAP(state, BPF_MAP_TYPE_PERCPU_ARRAY, u32, u64, 1, 0);

static __always_inline struct lpm_key route(u32 i)
{
	u32 length = 8 + mix32(i) % 25, address = mix32(~i) & (~0u << (32 - length));
	struct lpm_key key = { .prefixlen = length };

	*(u32 *)key.addr = bswap32(address);
	return key;
}

static __always_inline struct lpm_key address(u32 bits)
{
	struct lpm_key key = { .prefixlen = 32 };

	*(u32 *)key.addr = bits;
	return key;
}

static __always_inline struct wide_key wide(u32 i)
{
	struct wide_key key = { { i, mix32(i), ~i, 7 } };

	return key;
}

#define SIXTY_FOUR(NAME, BODY)                                                 \
	SEC("xdp") int NAME(struct xdp_md *ctx)                                \
	{                                                                      \
		u32 zero = 0, sum = 0;                                         \
		u64 *at = bpf_map_lookup_elem(&state, &zero), n;               \
                                                                               \
		if (!at)                                                       \
			return 0;                                              \
		n = *at;                                                       \
		for (u32 i = 0; i < 64; i++) {                                 \
			n++;                                                   \
			BODY                                                   \
		}                                                              \
		*at = n;                                                       \
		return (int)sum;                                               \
	}

#define LOOKUP(NAME, MAP, KEY_TYPE, KEY, VALUE_TYPE, VALUE)                    \
	SIXTY_FOUR(NAME, {                                                     \
		KEY_TYPE key = KEY;                                            \
		VALUE_TYPE *value = bpf_map_lookup_elem(&MAP, &key);           \
		if (value)                                                     \
			sum += VALUE;                                          \
	})

#define UPDATE(NAME, MAP, KEY_TYPE, KEY)                                       \
	SIXTY_FOUR(NAME, {                                                     \
		KEY_TYPE key = KEY;                                            \
		bpf_map_update_elem(&MAP, &key, &n, BPF_ANY);                  \
	})

#define CHURN(NAME, MAP, KEY_TYPE, KEY)                                        \
	SIXTY_FOUR(NAME, {                                                     \
		KEY_TYPE key = KEY;                                            \
		bpf_map_update_elem(&MAP, &key, &n, BPF_ANY);                  \
		bpf_map_delete_elem(&MAP, &key);                               \
	})

#define KNOWN mix32(n & (FILLED - 1))
#define NEW mix32((u32)n | 1u << 31)

SIXTY_FOUR(nothing, sum += KNOWN;)
LOOKUP(array_lookup, array, u32, KNOWN & (FILLED - 1), u64, *value)
UPDATE(array_update, array, u32, KNOWN & (FILLED - 1))
LOOKUP(percpu_array_lookup, percpu_array, u32, KNOWN & 1023, u64, *value)
LOOKUP(hash_lookup, hash, u32, KNOWN, u64, *value)
UPDATE(hash_update, hash, u32, KNOWN)
CHURN(hash_churn, hash, u32, NEW)
LOOKUP(hash_wide_lookup, hash_wide, struct wide_key, wide(KNOWN), struct wide_value, value->words[0])
LOOKUP(percpu_hash_lookup, percpu_hash, u32, KNOWN, u64, *value)
UPDATE(percpu_hash_update, percpu_hash, u32, KNOWN)
LOOKUP(lru_lookup, lru, u32, KNOWN, u64, *value)
UPDATE(lru_update, lru, u32, KNOWN)
UPDATE(lru_evict, lru_full, u32, NEW)
LOOKUP(lpm_lookup, routes, struct lpm_key, address(KNOWN), u64, *value)
UPDATE(lpm_update, routes, struct lpm_key, route(n & (ROUTES - 1)))
CHURN(lpm_churn, routes, struct lpm_key, route((u32)n | 1u << 31))
SIXTY_FOUR(queue_push_pop, {
	u64 value = n;
	bpf_map_push_elem(&queue, &value, 0);
	bpf_map_pop_elem(&queue, &value);
	sum += value;
})

BENCH_LICENSE;
